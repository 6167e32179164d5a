// DKIM keys of the mail domains: every domain has one, and OpenDKIM's tables list exactly the mail domains. The tables
// never name a missing key, also after a power cut. The key of a removed domain is kept, so that a domain that is added
// again needs no new record.

import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { arcKeyMode, DKIM_FOLDER, dkimTableMode, shiftedOwner } from '../container/modes.ts';
import { ids } from '../ids.ts';
import type { Paths } from '../paths.ts';
import {
  renderKeyRows,
  renderKeyTable,
  renderSigningRows,
  renderSigningTable,
  type SigningKey,
} from '../render/opendkim.ts';
import {
  ensureDkimKey,
  ensureFile,
  isReloadOwed,
  keySelectors,
  type OwnKey,
  readDkimKey,
} from './key-files.ts';
import { type DkimRecord, dkimRecord, signedKeys } from './record.ts';
import { type DkimState, type DomainKey, domainKeys, keyFile, readDkimState } from './state.ts';

/** The signing key of each domain, sorted by domain. */
async function signingKeys(
  host: Host,
  target: Appliance,
  { domains, state }: { domains: Iterable<MailDomain>; state: DkimState },
): Promise<OwnKey[]> {
  const keys: OwnKey[] = [];
  for (const domain of [...new Set(domains)].sort()) {
    const [first] = await domainKeys(host, target, { state, domain });
    if (first !== undefined) keys.push({ domain, selector: first.selector });
  }
  return keys;
}

/** The tables of one instance of OpenDKIM: their names and texts. */
interface Tables {
  readonly keyTable: string;
  readonly signingTable: string;
  readonly renderKeys: (keys: readonly SigningKey[]) => string;
  readonly renderSigning: (keys: readonly SigningKey[]) => string;
}

const RSA_TABLES: Tables = {
  ...{ keyTable: 'KeyTable', signingTable: 'SigningTable' },
  ...{ renderKeys: renderKeyTable, renderSigning: renderSigningTable },
};

const ED25519_TABLES: Tables = {
  ...{ keyTable: 'KeyTable-ed25519', signingTable: 'SigningTable-ed25519' },
  ...{ renderKeys: renderKeyRows, renderSigning: renderSigningRows },
};

/** The Ed25519 keys beside these keys. */
async function keysBeside(host: Host, paths: Paths, keys: readonly OwnKey[]): Promise<OwnKey[]> {
  const beside: OwnKey[] = [];
  for (const key of keys) {
    const [, selector] = await keySelectors(host, paths, key);
    if (selector !== undefined) beside.push({ domain: key.domain, selector });
  }
  return beside;
}

async function syncTables(
  host: Host,
  target: Appliance,
  { tables, keys }: { tables: Tables; keys: readonly SigningKey[] },
): Promise<boolean> {
  const options = dkimTableMode(target.settings);
  const { paths } = target;
  const ensure = (path: string, text: string) => ensureFile(host, { paths, path, text }, options);
  const keyTable = join(paths.dkim, tables.keyTable);
  const signingTable = join(paths.dkim, tables.signingTable);
  const before = (await host.files.read(signingTable)) ?? '';
  const signing = tables.renderSigning(keys);
  let changed = false;
  if (signing !== before) {
    // the KeyTable first gets the keys of both SigningTables, so that each entry always has its key
    const both = new Map([...signedKeys(before), ...keys].map((key) => [JSON.stringify(key), key]));
    changed = await ensure(keyTable, tables.renderKeys([...both.values()]));
  }
  changed = (await ensure(signingTable, signing)) || changed;
  return (await ensure(keyTable, tables.renderKeys(keys))) || changed;
}

const arcKeyFile = (paths: Paths): string => join(paths.dkim, 'ArcKey');

/** `domain selector key` of the seals that Rspamd writes: the key of main.domain; empty when it has none. */
async function arcKeyText(
  host: Host,
  { settings, paths }: Appliance,
  keys: readonly OwnKey[],
): Promise<string> {
  const own = keys.find(({ domain }) => domain === settings.main.domain);
  const key = own === undefined ? null : await readDkimKey(host, paths, own);
  if (own === undefined || key === null) return '';
  const der = key.export({ type: 'pkcs8', format: 'der' }).toString('base64');
  return `${own.domain} ${own.selector} ${der}\n`;
}

/** Rspamd reads the key for each message, so a change needs no reload. */
async function syncArcKey(host: Host, target: Appliance, text: string): Promise<boolean> {
  const path = arcKeyFile(target.paths);
  return ensureFile(host, { paths: target.paths, path, text }, arcKeyMode(target.settings));
}

/**
 * Converges keys and tables to these mail domains. `changed` also when an earlier run was interrupted before
 * OpenDKIM's reload: the caller reloads it, then calls `forgetReload`. Throws DKIM_KEY_INVALID.
 */
export async function syncDkim(
  host: Host,
  target: Appliance,
  domains: Iterable<MailDomain>,
): Promise<{ changed: boolean }> {
  const state = await readDkimState(host, target.paths);
  return syncDkimWith(host, target, { domains, state });
}

/** `syncDkim` with a state that the operation has already read. */
export async function syncDkimWith(
  host: Host,
  target: Appliance,
  { domains, state }: { domains: Iterable<MailDomain>; state: DkimState },
): Promise<{ changed: boolean }> {
  const owner = shiftedOwner(target.settings, ids.opendkim.uid);
  await host.files.makeDirectory(target.paths.dkim, { mode: DKIM_FOLDER, owner });
  const signing = await signingKeys(host, target, { domains, state });
  let made = false;
  for (const key of signing) made = (await ensureDkimKey(host, target, key)) || made;
  const beside = await keysBeside(host, target.paths, signing);
  const rsa = await syncTables(host, target, { tables: RSA_TABLES, keys: signing });
  const ed25519 = await syncTables(host, target, { tables: ED25519_TABLES, keys: beside });
  const arc = await syncArcKey(host, target, await arcKeyText(host, target, signing));
  return { changed: made || rsa || ed25519 || arc || (await isReloadOwed(host, target.paths)) };
}

/** True when `syncDkim` would write something, or OpenDKIM's reload is due. */
export async function isDkimBehind(
  host: Host,
  target: Appliance,
  domains: Iterable<MailDomain>,
): Promise<boolean> {
  const { paths } = target;
  if (await isReloadOwed(host, paths)) return true;
  const state = await readDkimState(host, paths);
  const keys = await signingKeys(host, target, { domains, state });
  for (const { domain, selector } of keys) {
    if ((await host.files.stat(keyFile(paths, domain, selector))) === null) return true;
  }
  const beside = await keysBeside(host, paths, keys);
  for (const [tables, wanted] of [[RSA_TABLES, keys] as const, [ED25519_TABLES, beside] as const]) {
    const table = await host.files.read(join(paths.dkim, tables.signingTable));
    if (table !== tables.renderSigning(wanted)) return true;
  }
  const arc = await host.files.read(arcKeyFile(paths));
  return arc !== (await arcKeyText(host, target, keys));
}

async function requireKey(host: Host, paths: Paths, wanted: OwnKey): Promise<KeyObject> {
  const key = await readDkimKey(host, paths, wanted);
  if (key !== null) return key;
  const message = `the DKIM key ${wanted.selector} of ${wanted.domain} is missing`;
  throw new MailctlError('DKIM_KEY_INVALID', message, { hint: 'mailctl apply' });
}

/**
 * The records to publish for these domains: of each, the signing key first, then waiting and retired keys; an Ed25519
 * key after the RSA key that it signs beside. Throws DKIM_KEY_INVALID, also for a missing key.
 */
export async function readDkimRecords(
  host: Host,
  target: Appliance,
  domains: Iterable<MailDomain>,
): Promise<(DkimRecord & Pick<DomainKey, 'use' | 'since' | 'removeAt'>)[]> {
  const { paths } = target;
  const state = await readDkimState(host, paths);
  const records: (DkimRecord & Pick<DomainKey, 'use' | 'since' | 'removeAt'>)[] = [];
  for (const domain of domains) {
    for (const one of await domainKeys(host, target, { state, domain })) {
      const { use, since, removeAt } = one;
      for (const selector of await keySelectors(host, paths, { domain, selector: one.selector })) {
        const key = await requireKey(host, paths, { domain, selector });
        records.push({ ...dkimRecord(domain, selector, key), use, since, removeAt });
      }
    }
  }
  return records;
}
