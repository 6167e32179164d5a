// The certificate and key files that the daemons read. `fullchain.pem` and `privkey.pem` are symbolic links
// through `current`, which is replaced atomically: the key always matches the certificate, even after a power
// cut. Plain files in their place are imported.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { tlsChainMode, tlsKeyMode } from '../container/modes.ts';
import type { Paths } from '../paths.ts';
import {
  type CertificatePair,
  type PairTexts,
  parseChain,
  parseKey,
  validFrom,
} from './certificate.ts';

const CURRENT = 'current';
const PAIR_PREFIX = 'pair-';
const KEY_FILE = 'privkey.pem';
const CHAIN_FILE = 'fullchain.pem';
const NAMES = [KEY_FILE, CHAIN_FILE];

async function readTexts(host: Host, folder: string): Promise<PairTexts | null> {
  const fullchain = await host.files.read(join(folder, CHAIN_FILE));
  const privkey = await host.files.read(join(folder, KEY_FILE));
  return fullchain === null || privkey === null ? null : { fullchain, privkey };
}

/** The pair in a folder; null if it is missing or invalid. */
async function readPair(host: Host, folder: string): Promise<CertificatePair | null> {
  const texts = await readTexts(host, folder);
  if (texts === null) return null;
  try {
    const chain = parseChain(texts.fullchain, CHAIN_FILE);
    const key = parseKey(texts.privkey, KEY_FILE);
    return chain[0].checkPrivateKey(key) ? { chain, key } : null;
  } catch (error) {
    if (error instanceof MailctlError) return null;
    throw error;
  }
}

/** The installed pair; null if it is missing or invalid. */
export function readInstalledPair(host: Host, paths: Paths): Promise<CertificatePair | null> {
  return readPair(host, paths.ssl);
}

/** True if the texts are installed as links, with the owner and modes that the daemons need. */
export async function isInstalled(
  host: Host,
  target: Appliance,
  texts: PairTexts,
): Promise<boolean> {
  const { ssl } = target.paths;
  const present = await readTexts(host, ssl);
  if (present?.fullchain !== texts.fullchain || present.privkey !== texts.privkey) return false;
  if (!(await areLinked(host, ssl))) return false;
  const wanted = {
    [KEY_FILE]: tlsKeyMode(target.settings),
    [CHAIN_FILE]: tlsChainMode(target.settings),
  };
  for (const [name, { mode, owner }] of Object.entries(wanted)) {
    const stat = await host.files.stat(join(ssl, CURRENT, name));
    if (stat?.kind !== 'file' || stat.mode !== mode || stat.uid !== owner.uid) return false;
  }
  return true;
}

async function writePair(host: Host, target: Appliance, texts: PairTexts): Promise<string> {
  const name = `${PAIR_PREFIX}${digestText(`${texts.fullchain}${texts.privkey}`).slice(0, 16)}`;
  const folder = join(target.paths.ssl, name);
  const key = tlsKeyMode(target.settings);
  await host.files.makeDirectory(folder, { mode: 0o755, owner: key.owner });
  await host.files.replace(join(folder, KEY_FILE), texts.privkey, key);
  await host.files.replace(
    join(folder, CHAIN_FILE),
    texts.fullchain,
    tlsChainMode(target.settings),
  );
  return name;
}

async function areLinked(host: Host, ssl: string): Promise<boolean> {
  for (const name of NAMES) {
    const path = join(ssl, name);
    if ((await host.files.stat(path))?.kind !== 'link') return false;
    if ((await host.files.readLink(path)) !== join(CURRENT, name)) return false;
  }
  return true;
}

async function linkNames(host: Host, ssl: string): Promise<void> {
  for (const name of NAMES) {
    await host.files.link(join(CURRENT, name), join(ssl, name));
  }
}

/**
 * Installs the pair; the daemons use it after their next reload. The previous pair stays on disk for processes that
 * are opening it; older pairs are removed.
 */
export async function installPair(host: Host, target: Appliance, texts: PairTexts): Promise<void> {
  const { ssl } = target.paths;
  const current = join(ssl, CURRENT);
  await host.files.makeDirectory(ssl, { mode: 0o755 });
  const linked = await areLinked(host, ssl);
  const plain = linked ? null : await readTexts(host, ssl);
  if (plain !== null) {
    // until the new pair is linked, `current` has the contents of the plain files
    await host.files.link(await writePair(host, target, plain), current);
    await linkNames(host, ssl);
  }
  const before = await host.files.readLink(current);
  const pair = await writePair(host, target, texts);
  if (before !== pair) await host.files.link(pair, current);
  if (!linked && plain === null) await linkNames(host, ssl);
  for (const name of await host.files.list(ssl)) {
    const old = name.startsWith(PAIR_PREFIX) && name !== pair && name !== before;
    if (old) await host.files.removeTree(join(ssl, name));
  }
}

/** The valid pair that was issued last. */
async function newestPair(host: Host, ssl: string): Promise<string | null> {
  let newest: { name: string; from: Date } | null = null;
  for (const name of await host.files.list(ssl)) {
    if (!name.startsWith(PAIR_PREFIX)) continue;
    const pair = await readPair(host, join(ssl, name));
    const from = pair === null ? null : validFrom(pair.chain[0]);
    if (from !== null && (newest === null || from > newest.from)) newest = { name, from };
  }
  return newest?.name ?? null;
}

/**
 * Repairs a copy that followed the links, or left them out; the certificate stays the same. A followed `current` becomes
 * plain files, which `installPair` imports.
 */
export async function restoreLinks(host: Host, { settings, paths }: Appliance): Promise<void> {
  const { ssl } = paths;
  const current = join(ssl, CURRENT);
  const present = await host.files.stat(current);
  if (present?.kind === 'directory') {
    const texts = (await readTexts(host, ssl)) ?? (await readTexts(host, current));
    if (texts !== null) {
      await host.files.replace(join(ssl, KEY_FILE), texts.privkey, tlsKeyMode(settings));
      await host.files.replace(join(ssl, CHAIN_FILE), texts.fullchain, tlsChainMode(settings));
    }
    await host.files.removeTree(current);
    return;
  }
  if (present !== null || (await readTexts(host, ssl)) !== null) return;
  const newest = await newestPair(host, ssl);
  if (newest === null) return;
  await host.files.link(newest, current);
  await linkNames(host, ssl);
}
