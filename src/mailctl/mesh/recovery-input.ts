// The recovery key of a command: from a file, from standard input or typed; never an argument.

import { MailctlError } from '../../errors.ts';
import { recipientOf } from '../../host/age-key.ts';
import { parseRecoveryKey } from '../../mesh/recovery-key.ts';
import type { App } from '../app.ts';
import { MAX_INPUT_BYTES, readAllInput } from '../password-input.ts';
import { askLine } from '../terminal.ts';

export interface KeyInput {
  readonly keyFile?: string;
  readonly keyStdin?: boolean;
}

async function readText({ host }: App, { keyFile, keyStdin }: KeyInput): Promise<string> {
  if (keyStdin) return readAllInput(MAX_INPUT_BYTES);
  if (keyFile !== undefined) {
    const text = await host.files.read(keyFile);
    if (text !== null) return text;
    throw new MailctlError('USAGE', `no such file: ${keyFile}`, {
      hint: 'give a file that contains the recovery key',
    });
  }
  if (process.stdin.isTTY) return askLine('Recovery key: ');
  throw new MailctlError('NO_TERMINAL', 'there is no terminal to ask for the recovery key', {
    hint: 'add --key-file FILE or --key-stdin',
  });
}

/** Throws RECOVERY_KEY_WRONG, NO_TERMINAL. */
export async function readRecoveryKey(app: App, input: KeyInput) {
  const identity = parseRecoveryKey(await readText(app, input));
  return { identity, recipient: await recipientOf(identity) };
}
