// What is remembered between two runs, one JSON file a concern. Read against a schema; written whole, for root
// alone, and only when it is different. A damaged file is never silently begun again: either it is set aside and
// that is said, or nothing goes on before an operator has decided.

import { dirname } from 'node:path';
import type { GenericSchema } from 'valibot';
import { check, getDotPath, pipe, safeParse, string } from 'valibot';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Paths } from '../paths.ts';
import { SECRET_FILE, SECRET_FOLDER } from './modes.ts';

export interface StateFile<T> {
  readonly path: (paths: Paths) => string;
  readonly schema: GenericSchema<unknown, T>;
  /** Before there is a file. */
  readonly empty: T;
  readonly whenDamaged: GoOn<T> | Stop;
  /** True for a folder that holds nothing else and is made with the file. */
  readonly ownFolder?: boolean;
  /** What is in the file; the state with "v": 1 unless told. */
  readonly encode?: (state: T) => unknown;
}

/** Safe without it: the file is set aside by the next command that writes. */
interface GoOn<T> {
  readonly goOnWith: (host: Host, paths: Paths) => Promise<T>;
  /** What the loss means, a sentence without its full stop. */
  readonly lost: string;
}

/** Unsafe without it: the file stays where it is, and every command that needs it fails with DATA_INVALID. */
interface Stop {
  /** What an operator gives up by removing it, a sentence without its full stop. */
  readonly withoutIt: string;
}

/** The state in one operation: read once, changed here, written by `write` alone. */
export interface OpenState<T> {
  readonly current: T;
  write(next: T): Promise<void>;
}

const VERSION = 1;

/** A moment as text (RFC 3339). */
export const moment = pipe(
  string(),
  check((text) => !Number.isNaN(Date.parse(text))),
);

type Reading<T> =
  | { readonly text: string | null; readonly state: T; readonly damage: null }
  | { readonly text: string; readonly state: null; readonly damage: string };

function parse<T>(file: StateFile<T>, path: string, text: string): Reading<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { text, state: null, damage: 'it is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { text, state: null, damage: 'it is not a JSON object' };
  }
  const { v } = value as { v?: unknown };
  if (typeof v === 'number' && v > VERSION) {
    throw new MailctlError('DATA_INVALID', `${path} was written by a newer mailctl`, {
      hint: 'install that version again; or restore the file from a backup',
    });
  }
  const { success, output, issues } = safeParse(file.schema, value);
  if (success) return { text, state: output, damage: null };
  const [issue] = issues;
  return { text, state: null, damage: `${getDotPath(issue) ?? 'the file'} is not as expected` };
}

async function look<T>(host: Host, paths: Paths, file: StateFile<T>): Promise<Reading<T>> {
  const path = file.path(paths);
  const text = await host.files.read(path);
  return text === null ? { text, state: file.empty, damage: null } : parse(file, path, text);
}

function refusal(path: string, damage: string, { withoutIt }: Stop): MailctlError {
  return new MailctlError('DATA_INVALID', `${path} is damaged: ${damage}`, {
    hint: `restore it from a backup; or: mv ${path} ${path}.damaged   (${withoutIt})`,
  });
}

/**
 * For looking; writes nothing. A damaged file that can be gone on without gives what the next writing command
 * will go on with, and says so. Throws DATA_INVALID for every other.
 */
export async function readState<T>(host: Host, paths: Paths, file: StateFile<T>): Promise<T> {
  const { state, damage } = await look(host, paths, file);
  if (damage === null) return state;
  const path = file.path(paths);
  const { whenDamaged } = file;
  if (!('lost' in whenDamaged)) throw refusal(path, damage, whenDamaged);
  host.say(`${path} is damaged: ${damage}; ${whenDamaged.lost}`);
  return whenDamaged.goOnWith(host, paths);
}

/** `20261121T153000Z`: sorts by time, and is a file name everywhere. */
const stampOf = (now: Date): string => now.toISOString().replace(/[-:]|\.\d+/g, '');

async function setAside<T>(
  host: Host,
  path: string,
  { damage, lost }: { damage: string; lost: GoOn<T>['lost'] },
): Promise<void> {
  const aside = `${path}.damaged-${stampOf(host.clock.now())}`;
  host.say(`${path} is damaged: ${damage}; it is kept as ${aside}; ${lost}`);
  await host.files.rename(path, aside);
}

/**
 * For an operation that changes it, under the appliance's lock. A damaged file that can be gone on without is
 * renamed to `….damaged-<time>`, and that is said. Throws DATA_INVALID for every other.
 */
export async function openState<T>(
  host: Host,
  paths: Paths,
  file: StateFile<T>,
): Promise<OpenState<T>> {
  const path = file.path(paths);
  const found = await look(host, paths, file);
  let { text } = found;
  let current: T;
  if (found.damage === null) current = found.state;
  else {
    const { whenDamaged } = file;
    if (!('lost' in whenDamaged)) throw refusal(path, found.damage, whenDamaged);
    await setAside(host, path, { damage: found.damage, lost: whenDamaged.lost });
    text = null;
    current = await whenDamaged.goOnWith(host, paths);
  }
  return {
    get current() {
      return current;
    },
    write: async (next) => {
      const encoded = file.encode?.(next) ?? { v: VERSION, ...next };
      const wanted = `${JSON.stringify(encoded, null, 1)}\n`;
      current = next;
      if (wanted === text) return;
      if (file.ownFolder) await host.files.makeDirectory(dirname(path), { mode: SECRET_FOLDER });
      await host.files.replace(path, wanted, { mode: SECRET_FILE });
      text = wanted;
    },
  };
}

export interface StateDamage {
  readonly path: string;
  /** Why the file cannot be read; null for one that was set aside. */
  readonly damage: string | null;
  /** What it means, a sentence without its full stop. */
  readonly means: string;
  readonly stops: boolean;
}

/** For doctor: the file when it is damaged, and those of its name that were set aside. */
export async function stateDamages<T>(
  host: Host,
  paths: Paths,
  file: StateFile<T>,
): Promise<StateDamage[]> {
  const path = file.path(paths);
  const { whenDamaged } = file;
  const stops = !('lost' in whenDamaged);
  const means = stops ? whenDamaged.withoutIt : whenDamaged.lost;
  const { damage } = await look(host, paths, file);
  const names = await host.files.list(dirname(path));
  const aside = names
    .map((name) => `${dirname(path)}/${name}`)
    .filter((name) => name.startsWith(`${path}.damaged`))
    .map((name) => ({ path: name, damage: null, means, stops: false }));
  return damage === null ? aside : [{ path, damage, means, stops }, ...aside];
}
