// The words of mesh restore: which backup, from where, with which key.

import { resolve } from 'node:path';
import type { Appliance } from '../../appliance/appliance.ts';
import { readPeers } from '../../appliance/backup/peers.ts';
import { MailctlError } from '../../errors.ts';
import type { App } from '../app.ts';
import type { From } from './offers.ts';
import { detailsOf, type PeerOptions } from './peer-options.ts';
import { type KeyInput, readRecoveryKey } from './recovery-input.ts';
import type { Wanted } from './restoring.ts';
import { parseReference } from './stores.ts';

export interface RestoreOptions extends KeyInput, PeerOptions {
  readonly from?: readonly string[];
  readonly at?: string;
  readonly user?: string;
  readonly message?: string;
  readonly list?: boolean;
  readonly image?: string;
  readonly onRoot?: boolean;
  readonly discardFormer?: boolean;
}

function usage(message: string, hint = 'mailctl mesh restore --help'): never {
  throw new MailctlError('USAGE', message, { hint });
}

function parseAt(text: string | undefined): Date | null {
  if (text === undefined) return null;
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) usage(`--at ${text} is not a time, such as 2026-11-21T10:00Z`);
  return time;
}

/** The peers to ask: those given, else those that this box knows. */
async function sourcesOf(app: App, target: Appliance, options: RestoreOptions): Promise<From[]> {
  const { host } = app;
  const known = await readPeers(host, target.paths);
  const given = (options.from ?? target.settings.mesh.backupPeers).map(parseReference);
  const at = { now: host.clock.now(), port: target.settings.mesh.port };
  return given.map((reference) => ({
    reference,
    details: detailsOf(options, known[reference], at),
  }));
}

/** Asks for the recovery key where it is not given. Throws USAGE, RECOVERY_KEY_WRONG, NO_TERMINAL. */
export async function wantedOf(
  app: App,
  target: Appliance,
  { file, options }: Typed,
): Promise<Wanted> {
  const sources = file === undefined ? await sourcesOf(app, target, options) : [];
  if (file === undefined && sources.length === 0) usage('name a file, or a peer with --from');
  const key = await readRecoveryKey(app, options);
  return {
    ...key,
    sources,
    at: parseAt(options.at),
    file: file === undefined ? null : resolve(file),
  };
}

export interface Typed {
  readonly file: string | undefined;
  readonly options: RestoreOptions;
}

/** Throws USAGE for words that exclude each other. */
export function checkWords({ file, options }: Typed): void {
  const { from, at, message, user, list } = options;
  if (file !== undefined && from !== undefined) usage('a file and --from exclude each other');
  if (file !== undefined && at !== undefined) usage('--at is for --from: a file holds one backup');
  if (message !== undefined && user === undefined) usage('--message needs --user ADDRESS');
  if (list && message !== undefined) usage('--list and --message exclude each other');
}
