// Creates the self-signed certificate for the server's names. Deterministic: key, serial and time are parameters.

import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import type { CertificatePair } from './certificate.ts';

export interface SelfSignedInput {
  /** The first name is the subject's common name. */
  readonly names: readonly [string, ...string[]];
  /** RSA: node-forge supports no other signature. */
  readonly key: KeyObject;
  /** Hex, at least 64 random bits. */
  readonly serial: string;
  readonly now: Date;
}

// The maximum validity for Apple's mail programs: support.apple.com/103769
const MAX_DAYS = 825;
const HOUR_MS = 3_600_000;
const DNS_NAME = 2;
// RFC 5280 appendix A: ub-common-name
const MAX_COMMON_NAME = 64;

function subjectOf(hostname: string): forge.pki.CertificateField[] {
  const organization = { name: 'organizationName', value: 'mailserver self-signed' };
  const commonName = { name: 'commonName', value: hostname };
  return hostname.length > MAX_COMMON_NAME ? [organization] : [commonName, organization];
}

function extensionsFor(names: readonly string[]) {
  return [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map((value) => ({ type: DNS_NAME, value })) },
    { name: 'subjectKeyIdentifier' },
  ];
}

/** Valid for 825 days from an hour ago, so that a client with a slow clock accepts it. */
export function makeSelfSigned({ names, key, serial, now }: SelfSignedInput): CertificatePair {
  const certificate = forge.pki.createCertificate();
  const publicPem = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicPem);
  // RFC 5280 4.1.2.2: the serial is positive, and DER allows no redundant leading zero: a leading 01 ensures both
  certificate.serialNumber = `01${serial}`;
  const start = now.getTime() - HOUR_MS;
  certificate.validity.notBefore = new Date(start);
  certificate.validity.notAfter = new Date(start + MAX_DAYS * 24 * HOUR_MS - 1000);
  certificate.setSubject(subjectOf(names[0]));
  certificate.setIssuer(subjectOf(names[0]));
  certificate.setExtensions(extensionsFor(names));
  const privatePem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  certificate.sign(forge.pki.privateKeyFromPem(privatePem), forge.md.sha256.create());
  return { chain: [new X509Certificate(forge.pki.certificateToPem(certificate))], key };
}
