// The result goes to stdout, everything else to stderr.

import chalk, { Chalk } from 'chalk';
import { MailctlError } from '../errors.ts';
import { withoutControls, withoutOtherControls } from '../host/terminal-text.ts';

/** Where text goes: stdout or stderr of the process, or a test's buffer. */
export interface Sink {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** What a change would do, found without changing anything. */
export interface Planned {
  /** Such as `stop the mail server`; empty for a no-op. */
  readonly would: readonly string[];
  /** Lines below `would` in the text. */
  readonly details?: readonly string[];
  /** Fields beside `dry_run` and `would` for --json. */
  readonly data?: object;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  readonly debug: boolean;
  readonly dryRun: boolean;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

export interface Output {
  readonly options: OutputOptions;
  /** Colours for the result text; plain where colours are off. */
  readonly paint: typeof chalk;
  /** stdout is a terminal. */
  readonly forPeople: boolean;
  /** The result: `text`, or with --json `data` and "v": 1. */
  result(text: string | readonly string[], data: object): void;
  /** The result of a dry run: what would be done. */
  planned(plan: Planned): void;
  /** The result of a command that had nothing to change, in a dry run or not. */
  unchanged(text: string | readonly string[], data: object): void;
  /** Information beside the result; silent with --quiet. */
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
  const { code, message, hint, retryAt, holder } = error;
  return {
    ...{ code, message, hint: hint ?? null },
    ...(retryAt === undefined ? {} : { retry_at: retryAt.toISOString() }),
    ...(holder === undefined ? {} : { holder }),
  };
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

/** Text without control characters: names in it may come from an attacker. */
export function terminalSafe(text: string, colours: boolean): string {
  return colours ? withoutOtherControls(text) : withoutControls(text);
}

export function createOutput(options: OutputOptions): Output {
  const { json, quiet, color, debug, stdout, stderr } = options;
  const paint = color ? chalk : new Chalk({ level: 0 });
  const safe = (text: string) => terminalSafe(text, color);
  const toStderr = (text: string) => stderr.write(`${safe(text)}\n`);
  const result: Output['result'] = (text, data) => {
    if (json) {
      stdout.write(`${JSON.stringify({ v: 1, ...data })}\n`);
      return;
    }
    const lines = typeof text === 'string' ? [text] : text;
    if (lines.length > 0) stdout.write(`${safe(lines.join('\n'))}\n`);
  };
  const planned: Output['planned'] = ({ would, details = [], data = {} }) => {
    const lines =
      would.length === 0 ? ['would change nothing'] : would.map((one) => `would ${one}`);
    result([...lines, ...details], { dry_run: true, would, ...data });
  };
  return {
    options,
    paint,
    forPeople: !json && (stdout.isTTY ?? false),
    result,
    planned,
    unchanged: (text, data) => {
      if (!options.dryRun) result(text, data);
      else planned({ would: [], details: [text].flat(), data });
    },
    note: (text) => {
      if (!quiet) toStderr(text);
    },
    warn: (text) => toStderr(`${paint.yellow('warning:')} ${text}`),
    error: (error) =>
      toStderr(
        json ? JSON.stringify({ v: 1, error: errorData(error) }) : errorText(error, paint, debug),
      ),
  };
}
