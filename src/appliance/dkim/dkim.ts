// DKIM keys on disk: every mail domain has one, and OpenDKIM's tables list exactly the mail domains. The
// tables never name a missing key, also after a power cut. The key of a removed domain is kept, so that a
// domain that is added again needs no new record.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { WriteOptions } from '../../host/files.ts';
import type { Host } from '../../host/host.ts';
import { generateRsaKey } from '../../host/keys.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import {
  arcKeyMode,
  DKIM_FOLDER,
  dkimKeyMode,
  dkimTableMode,
  SECRET_FILE,
  SECRET_FOLDER,
  shiftedOwner,
} from '../container/modes.ts';
import { ids } from '../ids.ts';
import type { Paths } from '../paths.ts';
import { renderKeyTable, renderSigningTable, type SigningKey } from '../render/opendkim.ts';
import { type DkimRecord, dkimRecord, type Selector, signedKeys } from './record.ts';
import { type DkimState, type DomainKey, domainKeys, keyFile, readDkimState } from './state.ts';

/** The key of a domain, or null when it has none. Throws DKIM_KEY_INVALID. */
export async function readDkimKey(
  host: Host,
  paths: Paths,
  wanted: { domain: MailDomain; selector: Selector },
): Promise<KeyObject | null> {
  const path = keyFile(paths, wanted.domain, wanted.selector);
  const text = await host.files.read(path);
  if (text === null) return null;
  let key: KeyObject | null = null;
  let cause: unknown;
  try {
    key = createPrivateKey(text);
  } catch (error) {
    cause = error;
  }
  if (key?.asymmetricKeyType === 'rsa') return key;
  // a new key would silently contradict the published record
  throw new MailctlError('DKIM_KEY_INVALID', `${path} is not a private RSA key in PEM form`, {
    hint: `restore it from a backup; or: rm ${path}; mailctl apply; mailctl dkim show ${wanted.domain}`,
    cause,
  });
}

// Exists while OpenDKIM may not have read the latest keys and tables, also after a kill
const reloadMark = (paths: Paths): string => join(paths.dkim, '.reload');

export async function isReloadOwed(host: Host, paths: Paths): Promise<boolean> {
  return (await host.files.stat(reloadMark(paths))) !== null;
}

/** Call it when OpenDKIM has read the keys, or will read them at its start. */
export async function forgetReload(host: Host, paths: Paths): Promise<void> {
  await host.files.remove(reloadMark(paths));
}

/** Writes when text, owner or mode differ; true when it did. */
async function ensureFile(
  host: Host,
  { paths, path, text }: { paths: Paths; path: string; text: string },
  options: Required<WriteOptions>,
): Promise<boolean> {
  const stat = await host.files.stat(path);
  const { mode, owner } = options;
  const kept = stat?.kind === 'file' && stat.mode === mode && stat.uid === owner.uid;
  if (kept && stat.gid === owner.gid && (await host.files.read(path)) === text) return false;
  if (!(await isReloadOwed(host, paths))) {
    await host.files.replace(reloadMark(paths), '', { mode: SECRET_FILE });
  }
  await host.files.replace(path, text, options);
  return true;
}

/** Generates a missing key and fixes owner and mode. True when it wrote something. */
export async function ensureDkimKey(
  host: Host,
  target: Appliance,
  { domain, selector }: SigningKey & { domain: MailDomain },
): Promise<boolean> {
  const owner = shiftedOwner(target.settings, ids.opendkim.uid);
  const path = keyFile(target.paths, domain, selector);
  const present = await readDkimKey(host, target.paths, { domain, selector });
  const text =
    present === null
      ? (await generateRsaKey()).export({ type: 'pkcs8', format: 'pem' }).toString()
      : ((await host.files.read(path)) ?? '');
  await host.files.makeDirectory(join(target.paths.dkim, domain), { mode: SECRET_FOLDER, owner });
  return ensureFile(host, { paths: target.paths, path, text }, dkimKeyMode(target.settings));
}

/** The signing key of each domain, sorted by domain. */
async function signingKeys(
  host: Host,
  target: Appliance,
  { domains, state }: { domains: Iterable<MailDomain>; state: DkimState },
): Promise<(SigningKey & { domain: MailDomain })[]> {
  const keys: (SigningKey & { domain: MailDomain })[] = [];
  for (const domain of [...new Set(domains)].sort()) {
    const [first] = await domainKeys(host, target, { state, domain });
    if (first !== undefined) keys.push({ domain, selector: first.selector });
  }
  return keys;
}

async function syncTables(
  host: Host,
  target: Appliance,
  keys: readonly SigningKey[],
): Promise<boolean> {
  const options = dkimTableMode(target.settings);
  const { paths } = target;
  const ensure = (path: string, text: string) => ensureFile(host, { paths, path, text }, options);
  const keyTable = join(paths.dkim, 'KeyTable');
  const signingTable = join(paths.dkim, 'SigningTable');
  const before = (await host.files.read(signingTable)) ?? '';
  const signing = renderSigningTable(keys);
  let changed = false;
  if (signing !== before) {
    // the KeyTable first gets the keys of both SigningTables, so that each entry always has its key
    const both = new Map([...signedKeys(before), ...keys].map((key) => [JSON.stringify(key), key]));
    changed = await ensure(keyTable, renderKeyTable([...both.values()]));
  }
  changed = (await ensure(signingTable, signing)) || changed;
  return (await ensure(keyTable, renderKeyTable(keys))) || changed;
}

const arcKeyFile = (paths: Paths): string => join(paths.dkim, 'ArcKey');

/** `domain selector key` of the seals that Rspamd writes: the key of main.domain; empty when it has none. */
async function arcKeyText(
  host: Host,
  { settings, paths }: Appliance,
  keys: readonly (SigningKey & { domain: MailDomain })[],
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
  const tables = await syncTables(host, target, signing);
  const arc = await syncArcKey(host, target, await arcKeyText(host, target, signing));
  return { changed: made || tables || arc || (await isReloadOwed(host, target.paths)) };
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
  const table = await host.files.read(join(paths.dkim, 'SigningTable'));
  const arc = await host.files.read(arcKeyFile(paths));
  return table !== renderSigningTable(keys) || arc !== (await arcKeyText(host, target, keys));
}

/**
 * The records to publish for these domains: of each, the signing key first, then waiting and retired keys.
 * Throws DKIM_KEY_INVALID, also for a missing key.
 */
export async function readDkimRecords(
  host: Host,
  target: Appliance,
  domains: Iterable<MailDomain>,
): Promise<(DkimRecord & Pick<DomainKey, 'use' | 'since' | 'removeAt'>)[]> {
  const state = await readDkimState(host, target.paths);
  const records: (DkimRecord & Pick<DomainKey, 'use' | 'since' | 'removeAt'>)[] = [];
  for (const domain of domains) {
    for (const one of await domainKeys(host, target, { state, domain })) {
      const { selector, use, since, removeAt } = one;
      const key = await readDkimKey(host, target.paths, { domain, selector });
      if (key === null) {
        throw new MailctlError(
          'DKIM_KEY_INVALID',
          `the DKIM key ${selector} of ${domain} is missing`,
          {
            hint: 'mailctl apply',
          },
        );
      }
      records.push({ ...dkimRecord(domain, selector, key), use, since, removeAt });
    }
  }
  return records;
}
