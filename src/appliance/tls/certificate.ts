// Reads certificates and keys in PEM form and lists the problems of a pair. Pure.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { MailctlError } from '../../errors.ts';
import { isPlausible } from '../../host/clock.ts';

export interface CertificatePair {
  /** The server's certificate, then the intermediate certificates. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  readonly key: KeyObject;
}

/** The contents of the two PEM files. */
export interface PairTexts {
  readonly fullchain: string;
  readonly privkey: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g;
const PRIVATE_KEY =
  /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[^-]+-----END (?:[A-Z]+ )?PRIVATE KEY-----/;
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;
const DAY_MS = 86_400_000;

function invalid(message: string, details: { hint?: string; cause?: unknown } = {}): MailctlError {
  return new MailctlError('CERTIFICATE_INVALID', message, details);
}

/** Reads every certificate of a PEM text. Throws CERTIFICATE_INVALID that names `source`. */
export function parseChain(text: string, source: string): CertificatePair['chain'] {
  const blocks = text.match(CERTIFICATE) ?? [];
  const chain = blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw invalid(`certificate ${index + 1} in ${source} is damaged`, { cause });
    }
  });
  const [first, ...rest] = chain;
  if (first !== undefined) return [first, ...rest];
  throw invalid(`${source} contains no certificate in PEM form (-----BEGIN CERTIFICATE-----)`, {
    hint: `openssl x509 -inform DER -in ${source} -out fullchain.pem   (for a DER file)`,
  });
}

/** Reads the first private key of a PEM text. Throws CERTIFICATE_INVALID that names `source`. */
export function parseKey(text: string, source: string): KeyObject {
  if (ENCRYPTED.test(text)) {
    throw invalid(
      `the key in ${source} is encrypted; the daemons can only load an unencrypted key`,
      {
        hint: `openssl pkey -in ${source} -out <new file>   (asks for its passphrase)`,
      },
    );
  }
  const block = PRIVATE_KEY.exec(text)?.[0];
  if (block === undefined) {
    throw invalid(`${source} contains no private key in PEM form (-----BEGIN PRIVATE KEY-----)`);
  }
  try {
    return createPrivateKey(block);
  } catch (cause) {
    throw invalid(`the private key in ${source} is damaged`, { cause });
  }
}

/** The stored form of a pair; deterministic. */
export function formatPair({ chain, key }: CertificatePair): PairTexts {
  const lines = chain.map((certificate) => certificate.toString().trim());
  return {
    fullchain: `${lines.join('\n')}\n`,
    privkey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

export function isSelfSigned(certificate: X509Certificate): boolean {
  const { issuer, subject, publicKey } = certificate;
  return issuer === subject && certificate.verify(publicKey);
}

export function coversName(certificate: X509Certificate, name: string): boolean {
  // RFC 9525 2: clients ignore names in the subject
  return certificate.checkHost(name, { subject: 'never' }) !== undefined;
}

export function validUntil(certificate: X509Certificate): Date {
  return new Date(certificate.validTo);
}

export function validFrom(certificate: X509Certificate): Date {
  return new Date(certificate.validFrom);
}

/** The problem with the validity between `now` and `days` later; null if there is none. */
export function dateProblem(certificate: X509Certificate, now: Date, days = 0): string | null {
  if (!isPlausible(now)) return null;
  const from = validFrom(certificate);
  const until = validUntil(certificate);
  const dayOf = (date: Date) => date.toISOString().slice(0, 10);
  if (from > now) return `it is not valid before ${dayOf(from)}`;
  if (until.getTime() <= now.getTime()) return `it expired on ${dayOf(until)}`;
  if (until.getTime() - now.getTime() < days * DAY_MS) return `it expires on ${dayOf(until)}`;
  return null;
}

function strengthProblems({ chain }: CertificatePair): string[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = chain[0].publicKey;
  const bits = details?.modulusLength ?? 0;
  if (type === 'rsa')
    return bits < 2048 ? [`its RSA key has only ${bits} bits; the minimum is 2048`] : [];
  return type === 'ec' ? [] : [`its key type is ${type}; mail clients support RSA and ECDSA`];
}

// OpenSSL, which Postfix and Dovecot use, refuses to load certificates signed with these
const WEAK_SIGNATURE = /(?:md5|sha1)(?![0-9])/i;

function chainProblems({ chain }: CertificatePair): string[] {
  const problems: string[] = [];
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer !== undefined && !isIssuedBy(certificate, issuer)) {
      problems.push(
        `certificate ${index + 1} of the chain is not issued by certificate ${index + 2}: ` +
          'each certificate must be followed by that of its issuer',
      );
    }
    if (WEAK_SIGNATURE.test(certificate.signatureAlgorithm ?? '') && !isSelfSigned(certificate)) {
      problems.push(`certificate ${index + 1} is signed with ${certificate.signatureAlgorithm}`);
    }
  }
  return problems;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** The problems that prevent serving the pair for `names`, one sentence each. */
export function pairProblems(
  pair: CertificatePair,
  wanted: { names: readonly string[]; now: Date },
): string[] {
  const [leaf] = pair.chain;
  const uncovered = wanted.names.filter((name) => !coversName(leaf, name));
  const usage = leaf.keyUsage as string[] | undefined;
  const date = dateProblem(leaf, wanted.now);
  return [
    ...(leaf.checkPrivateKey(pair.key) ? [] : ['the private key belongs to another certificate']),
    ...uncovered.map(
      (name) => `it does not cover ${name}, only ${namesOf(leaf).join(', ') || 'no name'}`,
    ),
    ...(date === null ? [] : [date]),
    ...(usage === undefined || usage.length === 0 || usage.includes(SERVER_AUTH)
      ? []
      : ['it is not a server certificate (its extended key usage lacks serverAuth)']),
    ...strengthProblems(pair),
    ...chainProblems(pair),
  ];
}

/** The names and addresses of the certificate's subjectAltName. */
export function namesOf(certificate: X509Certificate): string[] {
  const text = certificate.subjectAltName ?? '';
  return text
    .split(', ')
    .map((name) => name.replace(/^[A-Za-z ]+:/, ''))
    .filter((name) => name !== '');
}

/** SHA-256 of the certificate, lower-case hex. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}
