// Signatures of a box under its manifests: with the key of its certificate, which comes with the signature, so that
// whoever knows the peer_id can verify them. Pure.

import { createPrivateKey, sign, verify, X509Certificate } from 'node:crypto';
import type { Signer, VerifySignature } from './archive/manifest.ts';
import { type CertificateAndKey, peerIdOf } from './identity.ts';

const DIGEST = 'sha256';

export function createSigner({ certificate, key }: CertificateAndKey): Signer {
  const privateKey = createPrivateKey(key);
  const shown = new X509Certificate(certificate).raw.toString('base64');
  return {
    box: peerIdOf(certificate),
    sign: (bytes) => `${shown}.${sign(DIGEST, bytes, privateKey).toString('base64')}`,
  };
}

export const verifySignature: VerifySignature = (box, bytes, signature) => {
  const [shown = '', signed = ''] = signature.split('.');
  try {
    const certificate = new X509Certificate(Buffer.from(shown, 'base64'));
    if (peerIdOf(certificate.toString()) !== box) return false;
    return verify(DIGEST, bytes, certificate.publicKey, Buffer.from(signed, 'base64'));
  } catch (error) {
    // not a certificate, or a key that cannot sign
    if (error instanceof Error) return false;
    throw error;
  }
};
