// The appliance's tables in nftables: loaded in one transaction, and compared later with what nft showed right
// after that, so that a rule changed by hand is seen as well as a table that is gone.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { presentable } from '../../host/programs.ts';
import type { Paths } from '../paths.ts';

export interface NftTable {
  readonly family: 'inet' | 'netdev';
  readonly name: string;
  /** Makes the table, in place of the one that is there. */
  readonly script: string;
}

/** On tmpfs, as the tables are gone after a reboot too. */
interface Loaded {
  /** Digest of the script. */
  readonly script: string;
  /** What nft showed after it; null where this kernel or nft refused the script. */
  readonly listing: string | null;
}

function record(paths: Paths, { family }: NftTable): string {
  return join(paths.run, `nft-${family}.json`);
}

/** The table as nft shows it now, or null when it is absent. */
export async function listTable(
  host: Host,
  { family, name }: Pick<NftTable, 'family' | 'name'>,
): Promise<string | null> {
  if (!host.programs.exists('nft')) return null;
  const list = ['nft', 'list', 'table', family, name];
  const { stdout, status } = await host.programs.query(list, { accept: [1] });
  return status === 0 ? stdout : null;
}

async function remember(host: Host, paths: Paths, table: NftTable): Promise<void> {
  const loaded: Loaded = {
    script: digestText(table.script),
    listing: await listTable(host, table),
  };
  await host.files.replace(record(paths, table), `${JSON.stringify(loaded)}\n`, { mode: 0o600 });
}

/** Throws PROGRAM_FAILED. */
export async function loadTable(host: Host, paths: Paths, table: NftTable): Promise<void> {
  await host.programs.run(['nft', '-f', '-'], { input: table.script });
  await remember(host, paths, table);
}

/** Why this host cannot have the table, in nft's words; null when it is loaded. */
export async function tryTable(host: Host, paths: Paths, table: NftTable): Promise<string | null> {
  let refusal = host.programs.exists('nft') ? null : 'the program nft is not installed';
  if (refusal === null) {
    const result = await host.programs.run(['nft', '-f', '-'], {
      input: table.script,
      accept: [1],
    });
    if (result.status !== 0) refusal = presentable(result.stderr, [], 1);
  }
  await remember(host, paths, table);
  return refusal;
}

export async function removeTable(
  host: Host,
  { family, name }: Pick<NftTable, 'family' | 'name'>,
): Promise<void> {
  if ((await listTable(host, { family, name })) === null) return;
  await host.programs.run(['nft', 'delete', 'table', family, name]);
}

async function readRecord(host: Host, paths: Paths, table: NftTable): Promise<Loaded | null> {
  const path = record(paths, table);
  const text = await host.files.read(path);
  if (text === null) return null;
  const loaded = JSON.parse(text) as Partial<Loaded>;
  if (typeof loaded.script === 'string') return { listing: null, ...loaded } as Loaded;
  throw new MailctlError('FILE_FAILED', `${path} is damaged`, { hint: `rm ${path}` });
}

/** What loading the table would do now; null when it is in force, or when this host refused it before. */
export async function planTable(
  host: Host,
  paths: Paths,
  table: NftTable,
): Promise<'add' | 'change' | null> {
  const present = await listTable(host, table);
  const loaded = await readRecord(host, paths, table);
  const known = loaded?.script === digestText(table.script);
  if (known && loaded.listing === present) return null;
  return present === null ? 'add' : 'change';
}
