// Sources of a password: the terminal (asked twice), standard input, a file, a generated one, or a hash.
// Never an argument: every user of the machine can read it in the process list.

import { type Command, Option } from 'commander';
import {
  checkPassword,
  generatePassword,
  hashPassword,
  parseHash,
  passwordFromText,
} from '../appliance/accounts/password.ts';
import { MailctlError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { App } from './app.ts';

export interface PasswordOptions {
  readonly passwordStdin?: boolean;
  readonly passwordFile?: string;
  readonly generate?: boolean;
  readonly hash?: string;
  /** Refused: a password as an argument. */
  readonly password?: unknown;
}

export interface Credential {
  /** `{SCHEME}hash`. */
  readonly hash: string;
  /** A generated password, to be shown once. */
  readonly generated?: string;
  readonly warning?: string;
}

const SOURCES = ['--password-stdin', '--password-file', '--generate', '--hash'];
export const MAX_INPUT_BYTES = 4096;

export function addPasswordOptions(command: Command): Command {
  return command
    .option('--password-stdin', 'read the password from standard input')
    .option('--password-file <file>', 'read the password from a file')
    .option('--generate', 'generate a password and print it once')
    .option('--hash <hash>', 'store this hash, such as {SHA512-CRYPT}$6$…')
    .addOption(new Option('-p, --password [text]').hideHelp())
    .allowExcessArguments();
}

function usage(message: string, hint: string): never {
  throw new MailctlError('USAGE', message, { hint });
}

/** Refuses a password among the arguments without repeating it. */
function refuseArguments(word: string, options: PasswordOptions, args: readonly string[]): void {
  if (options.password === undefined && args.length <= 1) return;
  usage(
    `${word} takes one address; a password as an argument would be visible to other users`,
    `mailctl ${word} <address> --password-stdin`,
  );
}

/** The text on standard input. Throws DATA_INVALID when it is longer than `limit` bytes. */
export async function readAllInput(limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) {
      throw new MailctlError('DATA_INVALID', `standard input is larger than ${limit} bytes`);
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readFile(host: Host, file: string): Promise<string> {
  const text = await host.files.read(file);
  if (text === null) usage(`no such file: ${file}`, 'give a file that contains the password');
  return text;
}

/** Reads lines from the terminal without echo. Input typed ahead is kept for the next question. */
async function* hiddenLines(): AsyncGenerator<string, void, string> {
  let typed = '';
  for await (const text of process.stdin as AsyncIterable<string>) {
    for (const character of text) {
      if (character === '\u0003' || character === '\u0004') {
        throw new MailctlError('INTERRUPTED', 'nothing was changed');
      }
      if (character === '\r' || character === '\n') {
        process.stderr.write('\n');
        yield typed;
        typed = '';
      } else if (character === '\u007f' || character === '\b') {
        typed = [...typed].slice(0, -1).join('');
      } else typed += character;
    }
  }
}

async function askOnTerminal(check: (password: string) => void): Promise<string> {
  const { stdin, stderr } = process;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  const lines = hiddenLines();
  const ask = async (prompt: string) => {
    stderr.write(prompt);
    return (await lines.next()).value ?? '';
  };
  try {
    const password = await ask('New password: ');
    check(password);
    if ((await ask('Repeat the password: ')) === password) return password;
    throw new MailctlError('PASSWORD_INVALID', 'the two passwords differ; nothing was changed');
  } finally {
    stdin.setRawMode(false);
    await lines.return();
    stdin.pause();
  }
}

/**
 * Asks for a password without echo. Throws NO_TERMINAL.
 * @param check throws for an unsuitable password
 */
export async function askTwice(
  check: (password: string) => void,
  sources: readonly string[] = SOURCES,
): Promise<string> {
  if (process.stdin.isTTY) return askOnTerminal(check);
  throw new MailctlError('NO_TERMINAL', 'no password: there is no terminal to ask for it', {
    hint: sources.length === 1 ? `add ${sources[0]}` : `add one of ${sources.join(', ')}`,
  });
}

async function readSource({ host, ask }: App, options: PasswordOptions): Promise<string> {
  if (options.passwordStdin) return passwordFromText(await readAllInput(MAX_INPUT_BYTES));
  if (options.passwordFile !== undefined) {
    return passwordFromText(await readFile(host, options.passwordFile));
  }
  return ask(() => askTwice(checkPassword), generatePassword);
}

/** Checks the options; returns the function that asks for the password. */
export function credentialSource(
  app: App,
  { word, options, args }: { word: string; options: PasswordOptions; args: readonly string[] },
): () => Promise<Credential> {
  refuseArguments(word, options, args);
  const { passwordStdin, passwordFile, generate, hash } = options;
  const given = [passwordStdin, passwordFile, generate, hash].filter(
    (value) => value !== undefined,
  );
  if (given.length > 1)
    usage('more than one password is given', `use one of ${SOURCES.join(', ')}`);
  return async () => {
    if (hash !== undefined) return parseHash(hash);
    const generated = generate ? generatePassword() : undefined;
    const password = generated ?? (await readSource(app, options));
    return { hash: hashPassword(password), ...(generated === undefined ? {} : { generated }) };
  };
}
