// The appliance's nftables tables: loaded in one transaction, and later compared with nft's listing right after
// the load, which detects missing tables and rules that were changed by hand.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { presentable } from '../../host/programs.ts';
import type { Paths } from '../paths.ts';

export interface NftTable {
  readonly family: 'inet' | 'netdev';
  readonly name: string;
  /** Replaces the table. */
  readonly script: string;
}

/** On tmpfs, because a reboot removes the tables too. */
interface Loaded {
  /** Digest of the script. */
  readonly script: string;
  /** nft's listing after the load; null when the kernel or nft refused the script. */
  readonly listing: string | null;
}

function record(paths: Paths, { family }: NftTable): string {
  return join(paths.run, `nft-${family}.json`);
}

/** nft's present listing of the table; null when it is missing. */
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

/** Loads the table; null on success, else nft's error message. */
export async function tryTable(host: Host, paths: Paths, table: NftTable): Promise<string | null> {
  let refusal = host.programs.exists('nft') ? null : 'nft is not installed';
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

/** What loading the table would do; null when it is loaded, or when this host has refused the same script. */
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
