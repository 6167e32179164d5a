// What people and programs see: the result on stdout, everything else on stderr.

import chalk, { Chalk } from 'chalk';
import { MailctlError } from '../errors.ts';
import { withoutControls, withoutOtherControls } from '../host/terminal-text.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  readonly debug: boolean;
}

export interface Output {
  readonly options: OutputOptions;
  /** Colours for the result text; plain where colours are off. */
  readonly paint: typeof chalk;
  /** The result: `text` for people, `data` (with "v": 1) for --json. */
  result(text: string | readonly string[], data: object): void;
  /** Something worth knowing beside the result; silent with --quiet. */
  note(text: string): void;
  warn(text: string): void;
  error(error: unknown): void;
}

function errorData(error: unknown): object {
  if (!(error instanceof MailctlError)) {
    return {
      code: 'INTERNAL',
      message: 'internal error',
      hint: 'repeat with --debug and report it',
    };
  }
  const { code, message, hint } = error;
  return { code, message, hint: hint ?? null };
}

function errorText(error: unknown, paint: typeof chalk, debug: boolean): string {
  const known = error instanceof MailctlError;
  const lines = [
    `${paint.red('error:')} ${known ? error.message : `internal error: ${String(error)}`}`,
  ];
  if (known && error.hint) lines.push(`${paint.cyan('hint:')} ${error.hint}`);
  if (!known && !debug) lines.push(`${paint.cyan('hint:')} repeat with --debug and report it`);
  if (debug && error instanceof Error) lines.push(error.stack ?? '');
  return lines.join('\n');
}

/** Text that cannot drive a terminal, whoever wrote the names and words in it. */
export function terminalSafe(text: string, colours: boolean): string {
  return colours ? withoutOtherControls(text) : withoutControls(text);
}

export function createOutput(options: OutputOptions): Output {
  const paint = options.color ? chalk : new Chalk({ level: 0 });
  const safe = (text: string) => terminalSafe(text, options.color);
  const toStderr = (text: string) => process.stderr.write(`${safe(text)}\n`);
  return {
    options,
    paint,
    result: (text, data) => {
      if (options.json) {
        process.stdout.write(`${JSON.stringify({ v: 1, ...data })}\n`);
        return;
      }
      const lines = typeof text === 'string' ? [text] : text;
      if (lines.length > 0) process.stdout.write(`${safe(lines.join('\n'))}\n`);
    },
    note: (text) => {
      if (!options.quiet) toStderr(text);
    },
    warn: (text) => toStderr(`${paint.yellow('warning:')} ${text}`),
    error: (error) =>
      toStderr(
        options.json
          ? JSON.stringify({ v: 1, error: errorData(error) })
          : errorText(error, paint, options.debug),
      ),
  };
}
