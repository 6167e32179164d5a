// A log of our own in the form of s6-log's folders, so that one reader serves both: `current`, and when that
// is full one older file. Only for folders that no container can write to.

import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from './clock.ts';
import type { Files } from './files.ts';

export interface Logs {
  /** Adds lines, each with the time. A log that cannot be written ends nothing: false then. */
  append(folder: string, lines: readonly string[]): boolean;
}

const FULL = 128 * 1024;
const OLD = /^@[0-9a-f]{24}\.s$/;

function rotate(folder: string, now: Date): void {
  for (const name of readdirSync(folder)) if (OLD.test(name)) rmSync(join(folder, name));
  // the name says when it was closed, as TAI64N does
  const label = (2n ** 62n + BigInt(Math.floor(now.getTime() / 1000))).toString(16);
  renameSync(join(folder, 'current'), join(folder, `@${label}00000000.s`));
}

function append(path: string, now: Date, lines: readonly string[]): boolean {
  const stamp = now.toISOString().replace('T', ' ').replace('Z', '');
  const current = join(path, 'current');
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    appendFileSync(current, lines.map((line) => `${stamp}  ${line}\n`).join(''), { mode: 0o600 });
    if (statSync(current).size > FULL) rotate(path, now);
    return true;
  } catch {
    // a full or missing disk is told of by what needs it
    return false;
  }
}

export function createLogs(files: Pick<Files, 'path'>, clock: Clock): Logs {
  return { append: (folder, lines) => append(files.path(folder), clock.now(), lines) };
}
