// The identity of this box on its disk: <mesh>/identity/, for root alone. The listener has its own pair in
// <mesh>/listener/, which this identity has signed.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { MailctlError } from '../errors.ts';
import type { Ownership } from '../host/files.ts';
import type { Host } from '../host/host.ts';
import { generateRsaKey, randomHex } from '../host/keys.ts';
import { type CertificateAndKey, makeIdentity, makeListenerPair, peerIdOf } from './identity.ts';
import { listenerPaths } from './listener/listener.ts';

export interface BoxIdentity extends CertificateAndKey {
  readonly peerId: string;
}

// it must outlive the box, and is verified by every peer
const KEY_BITS = 3072;
const SECRET = { mode: 0o600, owner: { uid: 0, gid: 0 } };

function pathsIn(folder: string) {
  const own = join(folder, 'identity');
  return { own, key: join(own, 'key.pem'), certificate: join(own, 'certificate.pem') };
}

/** Null before the first backup. Throws FILE_FAILED for a damaged one. */
export async function readIdentity(host: Host, folder: string): Promise<BoxIdentity | null> {
  const paths = pathsIn(folder);
  const key = await host.files.read(paths.key);
  const certificate = await host.files.read(paths.certificate);
  if (key === null || certificate === null) return null;
  try {
    if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) {
      return { key, certificate, peerId: peerIdOf(certificate) };
    }
  } catch (cause) {
    throw damaged(paths.own, cause);
  }
  throw damaged(paths.own);
}

/** Throws NOT_INSTALLED before `ensureIdentity`. */
export async function requireIdentity(host: Host, folder: string): Promise<BoxIdentity> {
  const identity = await readIdentity(host, folder);
  if (identity !== null) return identity;
  throw new MailctlError('NOT_INSTALLED', 'this box has no identity yet', {
    hint: 'mailctl mesh enable',
  });
}

function damaged(folder: string, cause?: unknown): MailctlError {
  return new MailctlError('FILE_FAILED', `${folder}: key and certificate are not a pair`, {
    hint: 'restore them from a backup; without them, peers have to add this box again',
    cause,
  });
}

/** Makes the folder of the mesh and the identity, unless they are there. */
export async function ensureIdentity(host: Host, folder: string): Promise<BoxIdentity> {
  // the listener's user passes through to its own folders
  await host.files.makeDirectory(folder, { mode: 0o711 });
  const present = await readIdentity(host, folder);
  if (present !== null) return present;
  const paths = pathsIn(folder);
  await host.files.makeDirectory(paths.own, { mode: 0o700 });
  const key = await generateRsaKey(KEY_BITS);
  const pair = makeIdentity({ name: 'mailserver mesh', key, serial: randomHex(16) });
  await host.files.replace(paths.key, pair.key, SECRET);
  // an identity is there when its certificate is
  await host.files.replace(paths.certificate, pair.certificate, SECRET);
  return { ...pair, peerId: peerIdOf(pair.certificate) };
}

/** True for a pair that this identity has signed. */
async function isListenerReady(host: Host, folder: string, identity: BoxIdentity) {
  const paths = listenerPaths(folder);
  const chain = await host.files.read(paths.chain);
  const key = await host.files.read(paths.key);
  if (chain === null || key === null) return false;
  try {
    const [leaf, box] = [new X509Certificate(chain), new X509Certificate(identity.certificate)];
    return leaf.verify(box.publicKey) && leaf.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** Gives the listener its folders, key and certificate. Idempotent. */
export async function prepareListener(
  host: Host,
  { folder, user }: { folder: string; user: Ownership },
): Promise<void> {
  const identity = await ensureIdentity(host, folder);
  const paths = listenerPaths(folder);
  const readable = { owner: { uid: 0, gid: user.gid } };
  await host.files.makeDirectory(paths.own, { ...readable, mode: 0o750 });
  await host.files.makeDirectory(paths.peers, { owner: user, mode: 0o700 });
  await host.files.makeDirectory(paths.offers, { ...readable, mode: 0o750 });
  if (await isListenerReady(host, folder, identity)) return;
  const description = {
    name: 'mailserver mesh listener',
    key: await generateRsaKey(),
    serial: randomHex(16),
  };
  const pair = makeListenerPair(identity, description);
  await host.files.replace(paths.key, pair.key, { ...readable, mode: 0o640 });
  await host.files.replace(paths.chain, pair.certificate, { ...readable, mode: 0o640 });
}
