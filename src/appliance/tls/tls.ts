// The server always has a certificate: self-signed until the certificate configured in UCI is valid. The installed
// pair stays until a new pair has passed every check.

import type { Host } from '../../host/host.ts';
import { generateRsaKey, randomHex } from '../../host/keys.ts';
import type { Appliance } from '../appliance.ts';
import type { Settings } from '../settings/settings.ts';
import { webLabels } from '../settings/web-names.ts';
import {
  type CertificatePair,
  coversName,
  dateProblem,
  fingerprintOf,
  formatPair,
  isSelfSigned,
  namesOf,
  type PairTexts,
  validFrom,
  validUntil,
} from './certificate.ts';
import { checkGivenPair, readGivenPair } from './given.ts';
import { installPair, isInstalled, readInstalledPair } from './store.ts';

/** A self-signed certificate is replaced this many days before it expires. */
export const SELF_SIGNED_RENEW_DAYS = 30;

/** The names under which clients reach the server; the first is its hostname. */
export function certificateNames(settings: Settings): [string, ...string[]] {
  return [settings.main.hostname];
}

/** A self-signed certificate costs nothing, so it has the names of the web server too. */
function selfSignedNames(settings: Settings): [string, ...string[]] {
  const labels = webLabels(settings).map(({ label }) => `${label}.${settings.main.domain}`);
  return [...certificateNames(settings), ...labels];
}

/** True if the self-signed pair covers the names and does not expire soon. */
function fits({ chain: [leaf] }: CertificatePair, settings: Settings, now: Date): boolean {
  const named = selfSignedNames(settings).every((name) => coversName(leaf, name));
  return named && dateProblem(leaf, now, SELF_SIGNED_RENEW_DAYS) === null;
}

/** A new self-signed pair; an existing key is kept, so that a published TLSA record stays valid. */
async function makePair(
  host: Host,
  settings: Settings,
  installed: CertificatePair | null,
): Promise<CertificatePair> {
  const { makeSelfSigned } = await import('./selfsigned.ts');
  const old = installed !== null && isSelfSigned(installed.chain[0]) ? installed.key : null;
  const usable =
    old?.asymmetricKeyType === 'rsa' && (old.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  return makeSelfSigned({
    names: selfSignedNames(settings),
    key: old !== null && usable ? old : await generateRsaKey(),
    serial: randomHex(16),
    now: host.clock.now(),
  });
}

/** Throws CERTIFICATE_INVALID, CONFIG_INVALID. A pair that is already installed is not checked again. */
async function givenPair(
  host: Host,
  settings: Settings,
  installed: CertificatePair | null,
): Promise<CertificatePair> {
  const given = await readGivenPair(host, settings);
  if (installed !== null && formatPair(installed).fullchain === formatPair(given).fullchain) {
    if (given.chain[0].checkPrivateKey(given.key)) return given;
  }
  checkGivenPair(settings, given, { names: certificateNames(settings), now: host.clock.now() });
  return given;
}

async function wantedPair(
  host: Host,
  settings: Settings,
  installed: CertificatePair | null,
): Promise<CertificatePair> {
  const { type } = settings.ssl;
  if (type === 'manual') return givenPair(host, settings, installed);
  if (installed !== null) {
    // a self-signed certificate never replaces a certificate issued by a CA
    if (type === 'letsencrypt' && !isSelfSigned(installed.chain[0])) return installed;
    if (isSelfSigned(installed.chain[0]) && fits(installed, settings, host.clock.now())) {
      return installed;
    }
  }
  return makePair(host, settings, installed);
}

/** The texts that `ensureCertificate` would install; null if they are already installed. */
async function textsToInstall(host: Host, target: Appliance): Promise<PairTexts | null> {
  const installed = await readInstalledPair(host, target.paths);
  const texts = formatPair(await wantedPair(host, target.settings, installed));
  return (await isInstalled(host, target, texts)) ? null : texts;
}

/**
 * Installs the certificate that UCI selects: the operator's files after all checks, else the installed certificate
 * of a CA, else a self-signed certificate. Postfix and Dovecot must reload after a change.
 * Throws CERTIFICATE_INVALID if the operator's files are invalid; the installed pair stays.
 */
export async function ensureCertificate(
  host: Host,
  target: Appliance,
): Promise<{ changed: boolean }> {
  const texts = await textsToInstall(host, target);
  if (texts !== null) await installPair(host, target, texts);
  return { changed: texts !== null };
}

/** True if `ensureCertificate` would install another pair. */
export async function isCertificateBehind(host: Host, target: Appliance): Promise<boolean> {
  return (await textsToInstall(host, target)) !== null;
}

export interface CertificateSummary {
  readonly type: Settings['ssl']['type'];
  readonly self_signed: boolean;
  readonly names: readonly string[];
  readonly subject: string;
  readonly issuer: string;
  /** RFC 3339. */
  readonly not_before: string;
  readonly not_after: string;
  /** Such as `RSA 2048` or `ECDSA prime256v1`. */
  readonly key: string;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
  /** Its current problem; null if there is none. */
  readonly problem: string | null;
}

function keyText({ chain: [leaf] }: CertificatePair): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = leaf.publicKey;
  if (type === 'rsa') return `RSA ${details?.modulusLength}`;
  return type === 'ec' ? `ECDSA ${details?.namedCurve}` : String(type);
}

/** One line without control characters. */
function distinguishedName(lines: string): string {
  return lines.replace(/\n/g, ', ').replace(/\p{Cc}/gu, '');
}

/** The installed certificate, or null if there is no valid pair. */
export async function readCertificate(
  host: Host,
  target: Appliance,
): Promise<CertificateSummary | null> {
  const pair = await readInstalledPair(host, target.paths);
  if (pair === null) return null;
  const [leaf] = pair.chain;
  const uncovered = certificateNames(target.settings).filter((name) => !coversName(leaf, name));
  const nameProblem = uncovered.length === 0 ? null : `it does not cover ${uncovered.join(', ')}`;
  return {
    type: target.settings.ssl.type,
    self_signed: isSelfSigned(leaf),
    names: namesOf(leaf),
    subject: distinguishedName(leaf.subject),
    issuer: distinguishedName(leaf.issuer),
    not_before: validFrom(leaf).toISOString(),
    not_after: validUntil(leaf).toISOString(),
    key: keyText(pair),
    fingerprint: fingerprintOf(leaf),
    problem: nameProblem ?? dateProblem(leaf, host.clock.now()),
  };
}
