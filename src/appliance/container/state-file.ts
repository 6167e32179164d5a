// State between two runs, one JSON file for each concern. Checked against a schema when read; written whole,
// readable by root only, and only when changed. A damaged file is never replaced silently: it is either renamed
// with a message, or the command fails until an operator decides.

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
  /** The state without a file. */
  readonly empty: T;
  readonly whenDamaged: GoOn<T> | Stop;
  /** True for a folder that contains only this state: it is created with the file (mode 0700). */
  readonly ownFolder?: boolean;
  /** The content of the file; by default the state with "v": 1. */
  readonly encode?: (state: T) => unknown;
}

/** For state that can be lost: the next command that writes renames the damaged file and continues. */
interface GoOn<T> {
  readonly goOnWith: (host: Host, paths: Paths) => Promise<T>;
  /** The consequence of the loss, a sentence without a full stop. */
  readonly lost: string;
}

/** For state that must not be lost: the file stays, and every command that needs it fails with DATA_INVALID. */
interface Stop {
  /** The consequence of removing the file, a sentence without a full stop. */
  readonly withoutIt: string;
}

/** The state during one operation: read once; `write` changes `current` and the file. */
export interface OpenState<T> {
  readonly current: T;
  write(next: T): Promise<void>;
}

const VERSION = 1;

/** A time as text (RFC 3339). */
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
      hint: 'reinstall that version; or restore the file from a backup',
    });
  }
  const { success, output, issues } = safeParse(file.schema, value);
  if (success) return { text, state: output, damage: null };
  const [issue] = issues;
  return {
    text,
    state: null,
    damage: `${getDotPath(issue) ?? 'the content'} has an invalid value`,
  };
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
 * Reads the state and never writes. For a damaged file with `goOnWith` it reports the damage and returns the
 * state that the next writing command will use; for the others it throws DATA_INVALID.
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

/** `20261121T153000Z`: sorts by time and is valid in file names. */
const stampOf = (now: Date): string => now.toISOString().replace(/[-:]|\.\d+/g, '');

async function setAside<T>(
  host: Host,
  path: string,
  { damage, lost }: { damage: string; lost: GoOn<T>['lost'] },
): Promise<void> {
  const aside = `${path}.damaged-${stampOf(host.clock.now())}`;
  host.say(`${path} is damaged: ${damage}; renamed to ${aside}; ${lost}`);
  await host.files.rename(path, aside);
}

/**
 * Reads the state for an operation that changes it, under the appliance's lock. A damaged file with `goOnWith`
 * is renamed to `….damaged-<time>` with a message; for the others it throws DATA_INVALID.
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
  /** The damage; null for a file that was renamed earlier. */
  readonly damage: string | null;
  /** The consequence, a sentence without a full stop. */
  readonly means: string;
  readonly stops: boolean;
}

/** For doctor: the file if it is damaged, and its earlier renamed copies. */
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
