// The identity of a box: a key of its own and a self-signed certificate, whose fingerprint is the peer_id that other
// boxes pin. Nothing else vouches for it, and it does not expire: a box without the right time must reach its backups.

import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

/** PEM texts. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

// RFC 5280 4.1.2.5: no well-defined expiration date
const VALID_FROM = new Date('2000-01-01T00:00:00Z');
const VALID_TO = new Date('9999-12-31T23:59:59Z');

interface Description {
  readonly name: string;
  readonly key: KeyObject;
  /** Hex, at least 64 random bits. */
  readonly serial: string;
}

const subjectOf = (name: string) => [{ name: 'commonName', value: name }];
const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

function draft({ name, key, serial }: Description): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  const publicPem = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicPem);
  // RFC 5280 4.1.2.2: the serial is positive, and DER allows no redundant leading zero: a leading 01 ensures both
  certificate.serialNumber = `01${serial}`;
  certificate.validity.notBefore = VALID_FROM;
  certificate.validity.notAfter = VALID_TO;
  certificate.setSubject(subjectOf(name));
  return certificate;
}

function signed(certificate: forge.pki.Certificate, signer: string): string {
  certificate.sign(forge.pki.privateKeyFromPem(signer), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}

/** @param description its key is RSA: node-forge supports no other signature */
export function makeIdentity(description: Description): CertificateAndKey {
  const certificate = draft(description);
  certificate.setIssuer(subjectOf(description.name));
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
    { name: 'extKeyUsage', clientAuth: true, serverAuth: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  const key = pemOf(description.key);
  return { certificate: signed(certificate, key), key };
}

/**
 * A certificate for the process that listens to peers, signed by the identity, so that this process does not hold the
 * box's own key. Its certificate is the chain that it presents.
 */
export function makeListenerPair(
  identity: CertificateAndKey,
  description: Description,
): CertificateAndKey {
  const certificate = draft(description);
  certificate.setIssuer(forge.pki.certificateFromPem(identity.certificate).subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
  ]);
  return {
    certificate: `${signed(certificate, identity.key)}${identity.certificate}`,
    key: pemOf(description.key),
  };
}

/** The peer_id: SHA-256 of the certificate, 64 hex digits. */
export function peerIdOf(certificate: string): string {
  return plainFingerprint(new X509Certificate(certificate).fingerprint256);
}

const plainFingerprint = (text: string): string => text.replaceAll(':', '').toLowerCase();

/** Accepts upper case, colons and blanks; null for anything that is not a fingerprint. */
export function parsePeerId(text: string): string | null {
  const plain = text.replace(/[\s:]/g, '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(plain) ? plain : null;
}
