// Questions to the operator at the terminal; they are written to stderr.

import { MailctlError } from '../errors.ts';

/** One line of input, without white space at its ends. Throws INTERRUPTED at the end of the input. */
export async function askLine(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<never>((_, reject) => {
    terminal.once('close', () => reject(new MailctlError('INTERRUPTED', 'nothing was changed')));
  });
  closed.catch(() => undefined);
  try {
    return (await Promise.race([terminal.question(question), closed])).trim();
  } finally {
    terminal.close();
  }
}
