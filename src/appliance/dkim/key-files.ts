// The key files: <data>/dkim/<domain>/<selector>.private, an RSA key, and <selector>-ed25519.private beside it where
// dns.dkim_ed25519 was on when the RSA key was made. A key is never replaced.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { WriteOptions } from '../../host/files.ts';
import type { Host } from '../../host/host.ts';
import { generateEd25519Key, generateRsaKey } from '../../host/keys.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { dkimKeyMode, SECRET_FILE, SECRET_FOLDER, shiftedOwner } from '../container/modes.ts';
import { ids } from '../ids.ts';
import type { Paths } from '../paths.ts';
import type { SigningKey } from '../render/opendkim.ts';
import { ed25519Selector, type Selector } from './record.ts';
import { keyFile } from './state.ts';

/** A signing key of one of our domains. */
export type OwnKey = SigningKey & { readonly domain: MailDomain };

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
  const isEd25519 = wanted.selector.endsWith(ed25519Selector(''));
  const [type, name] = isEd25519 ? (['ed25519', 'Ed25519'] as const) : (['rsa', 'RSA'] as const);
  if (key?.asymmetricKeyType === type) return key;
  // a new key would silently contradict the published record
  throw new MailctlError('DKIM_KEY_INVALID', `${path} is not a private ${name} key in PEM form`, {
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
export async function ensureFile(
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

/** Writes a key that `generate` makes where there is none, and fixes owner and mode. */
async function ensureKeyFile(
  host: Host,
  target: Appliance,
  { key, generate }: { key: OwnKey; generate: () => Promise<KeyObject> },
): Promise<boolean> {
  const { settings, paths } = target;
  const path = keyFile(paths, key.domain, key.selector);
  const text =
    (await readDkimKey(host, paths, key)) === null
      ? (await generate()).export({ type: 'pkcs8', format: 'pem' }).toString()
      : ((await host.files.read(path)) ?? '');
  return ensureFile(host, { paths, path, text }, dkimKeyMode(settings));
}

/**
 * Generates a missing key and fixes owner and mode. A new RSA key gets its Ed25519 key first, if dns.dkim_ed25519 is on:
 * a key that signs already never gets one, whose record would not be published yet. True when it wrote something.
 */
export async function ensureDkimKey(host: Host, target: Appliance, key: OwnKey): Promise<boolean> {
  const { settings, paths } = target;
  const { dkimBits, dkimEd25519 } = settings.dns;
  const owner = shiftedOwner(settings, ids.opendkim.uid);
  await host.files.makeDirectory(join(paths.dkim, key.domain), { mode: SECRET_FOLDER, owner });
  const beside = { ...key, selector: ed25519Selector(key.selector) };
  const isNew = (await readDkimKey(host, paths, key)) === null;
  const wanted = isNew ? dkimEd25519 : (await readDkimKey(host, paths, beside)) !== null;
  const made =
    wanted && (await ensureKeyFile(host, target, { key: beside, generate: generateEd25519Key }));
  const generate = () => generateRsaKey(Number(dkimBits));
  return (await ensureKeyFile(host, target, { key, generate })) || made;
}

/** The selectors of the key files of this key: its own, and that of the Ed25519 key beside it. */
export async function keySelectors(
  host: Host,
  paths: Paths,
  { domain, selector }: OwnKey,
): Promise<Selector[]> {
  const beside = ed25519Selector(selector);
  const stat = await host.files.stat(keyFile(paths, domain, beside));
  return stat === null ? [selector] : [selector, beside];
}
