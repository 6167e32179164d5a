// The keys of the TLSA records: the key in use, and the standby key.

import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { digestBytes } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { generateEcKey, generateRsaKey } from '../../host/keys.ts';
import type { Appliance } from '../appliance.ts';
import { ensureAcmeFolder } from '../container/data-folders.ts';
import { SECRET_FILE } from '../container/modes.ts';
import type { Paths } from '../paths.ts';
import type { Settings } from '../settings/settings.ts';
import { parseKey } from './certificate.ts';

const waitingKeyFile = (paths: Paths): string => join(paths.acme, 'next-key.pem');

/** SHA-256 of the SubjectPublicKeyInfo, hex, the data of a TLSA `3 1 1` record (RFC 6698 2.1). */
export function keyDigest(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return digestBytes(publicKey.export({ type: 'spki', format: 'der' }));
}

/** The standby key, or null. Throws CERTIFICATE_INVALID that names the file. */
export async function readWaitingKey(host: Host, paths: Paths): Promise<KeyObject | null> {
  const path = waitingKeyFile(paths);
  const text = await host.files.read(path);
  return text === null ? null : parseKey(text, path);
}

export function fitsType(key: KeyObject, wanted: Settings['ssl']['keyType']): boolean {
  return key.asymmetricKeyType === wanted;
}

/** Creates the standby key in advance, so that its TLSA record is published before the key is used. */
export async function ensureWaitingKey(host: Host, target: Appliance): Promise<KeyObject> {
  const { keyType } = target.settings.ssl;
  const present = await readWaitingKey(host, target.paths);
  if (present !== null && fitsType(present, keyType)) return present;
  await ensureAcmeFolder(host, target.paths);
  const key = keyType === 'rsa' ? await generateRsaKey() : await generateEcKey();
  const text = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  await host.files.replace(waitingKeyFile(target.paths), text, { mode: SECRET_FILE });
  return key;
}

export async function forgetWaitingKey(host: Host, paths: Paths): Promise<void> {
  await host.files.remove(waitingKeyFile(paths));
}

export async function servedKeyDigest(host: Host, paths: Paths): Promise<string | null> {
  const text = await host.files.read(join(paths.ssl, 'fullchain.pem'));
  if (text === null) return null;
  try {
    return keyDigest(new X509Certificate(text).publicKey);
  } catch {
    // ssl-status and doctor report a damaged certificate; its key cannot be published
    return null;
  }
}

/** The digests for TLSA records: the key in use, then the standby key. */
export async function publishedKeyDigests(host: Host, paths: Paths): Promise<string[]> {
  const served = await servedKeyDigest(host, paths);
  const waiting = await readWaitingKey(host, paths);
  const digests = [...(served === null ? [] : [served]), ...(waiting ? [keyDigest(waiting)] : [])];
  return [...new Set(digests)];
}
