// A program that stays, as a child of this process: it is told to end when this process wants it or ends itself.

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { MailctlError } from '../errors.ts';
import { killTree } from './process-tree.ts';
import { withoutControls } from './terminal-text.ts';

export interface Attendance {
  /** Aborted: SIGTERM, and SIGKILL to it and its children 5 s later. */
  readonly end: AbortSignal;
  /** Gets each line of its output and errors, without control characters. */
  readonly heard: (line: string) => void;
}

export interface Ending {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly signal: string | null;
}

const GRACE_MS = 5000;
const MAX_LINE = 1000;

function hear(stream: Readable, heard: (line: string) => void): void {
  let rest = '';
  const pass = (line: string) => {
    const text = withoutControls(line).slice(0, MAX_LINE);
    if (text.trim() !== '') heard(text);
  };
  stream.setEncoding('utf8');
  stream.on('data', (piece: string) => {
    const lines = `${rest}${piece}`.split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    lines.forEach(pass);
  });
  stream.on('end', () => pass(rest));
}

/** Its standard input ends when this process ends, by whatever means: `processes.onParentEnd` tells it so. */
export function attend(
  env: NodeJS.ProcessEnv,
  command: readonly string[],
  { end, heard }: Attendance,
): Promise<Ending> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: '/', env: { ...env, LC_ALL: 'C' }, stdio: 'pipe' });
  hear(child.stdout, heard);
  hear(child.stderr, heard);
  let grace: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    child.kill('SIGTERM');
    grace = setTimeout(() => child.pid !== undefined && killTree(child.pid), GRACE_MS);
  };
  if (end.aborted) stop();
  end.addEventListener('abort', stop);
  const ended = Promise.withResolvers<Ending>();
  child.once('close', (status, signal) => ended.resolve({ status, signal }));
  child.once('error', (cause) => {
    const message = `${program} cannot be started: ${cause.message}`;
    ended.reject(new MailctlError('PROGRAM_FAILED', message, { cause }));
  });
  return ended.promise.finally(() => {
    clearTimeout(grace);
    end.removeEventListener('abort', stop);
  });
}
