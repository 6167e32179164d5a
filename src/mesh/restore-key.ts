// The restore key lets a new box, which no peer knows, read the archives of the box that was lost. It is derived from
// the recovery key; each box tells its peers the public half, and they let the holder of the private half read.

import type { KeyObject } from 'node:crypto';
import { certifyEcKey, deriveEcKey, publicFingerprint } from '../host/derived-key.ts';
import type { CertificateAndKey } from './identity.ts';

const derive = (recoveryKey: string): KeyObject =>
  deriveEcKey(Buffer.from(recoveryKey.trim().toLowerCase()), 'mailserver mesh restore key 1');

/** What peers are told. @param recoveryKey the text `AGE-SECRET-KEY-1…` */
export function restoreKeyOf(recoveryKey: string): string {
  return publicFingerprint(derive(recoveryKey));
}

/** With this in place of an identity, a peer can be read. */
export async function makeRestoreIdentity(recoveryKey: string): Promise<CertificateAndKey> {
  const key = derive(recoveryKey);
  return {
    certificate: await certifyEcKey(key, 'mailserver restore'),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
