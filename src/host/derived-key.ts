// A key pair that is derived from a secret: whoever has the secret can make it again on any machine, and with it a
// certificate for TLS.

import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { X509CertificateGenerator } from '@peculiar/x509';

/** Order of the group of P-256 (SEC 2, 2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** A key on P-256. @param purpose another one gives an unrelated key */
export function deriveEcKey(secret: Uint8Array, purpose: string): KeyObject {
  // FIPS 186-5 A.2.1: 64 more bits than the order make the bias negligible
  const wide = Buffer.from(hkdfSync('sha256', secret, '', purpose, 40)).toString('hex');
  const scalar = (BigInt(`0x${wide}`) % (ORDER - 1n)) + 1n;
  const d = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex');
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(d);
  const point = curve.getPublicKey();
  const text = (bytes: Buffer) => bytes.toString('base64url');
  const [x, y] = [text(point.subarray(1, 33)), text(point.subarray(33))];
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d: text(d) }, format: 'jwk' });
}

/** Hex SHA-256 of its public half (SPKI). */
export function publicFingerprint(key: KeyObject): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A self-signed certificate of a key on P-256, PEM; without an end (RFC 5280 4.1.2.5). */
export async function certifyEcKey(key: KeyObject, name: string): Promise<string> {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date('2000-01-01T00:00:00Z'),
    notAfter: new Date('9999-12-31T23:59:59Z'),
    signingAlgorithm: ECDSA,
    keys: {
      publicKey: await crypto.subtle.importKey('spki', spki, ECDSA, true, ['verify']),
      privateKey: await crypto.subtle.importKey('pkcs8', pkcs8, ECDSA, false, ['sign']),
    },
  });
  return certificate.toString('pem');
}
