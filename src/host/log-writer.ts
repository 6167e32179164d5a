// A log in the form of s6-log's folders, so that one reader serves both: `current`, and one older file after
// rotation. Only for folders that no container can write to.

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from './clock.ts';
import type { Files } from './files.ts';

export interface Logs {
  /**
   * Appends lines, each with the time. Returns false, and does not throw, when the log cannot be written.
   * @param beside a path on the log's disk: without it, the disk is not mounted, and nothing is written
   */
  append(folder: string, lines: readonly string[], beside: string): boolean;
}

const FULL = 128 * 1024;
const OLD = /^@[0-9a-f]{24}\.s$/;

function rotate(folder: string, now: Date): void {
  for (const name of readdirSync(folder)) if (OLD.test(name)) rmSync(join(folder, name));
  // named by its closing time, as TAI64N
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
    // operations that need the disk report a full or missing one
    return false;
  }
}

export function createLogs(files: Pick<Files, 'path'>, clock: Clock): Logs {
  return {
    append: (folder, lines, beside) =>
      existsSync(files.path(beside)) && append(files.path(folder), clock.now(), lines),
  };
}
