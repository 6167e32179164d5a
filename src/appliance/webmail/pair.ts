// The certificate of the mail server in the web container, which has files of its own: the ids of the containers differ.
// And the CA certificates with which Roundcube checks the mail server's.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { tlsChainMode } from '../container/modes.ts';
import { type CertificatePair, formatPair, isSelfSigned } from '../tls/certificate.ts';
import { installPair, isInstalled, readInstalledPair } from '../tls/store.ts';
import type { WebContainer } from './web-container.ts';

/** Of the image. */
const SYSTEM_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const TRUSTED = 'trusted.pem';

export interface Trust {
  /** Path in the container. */
  readonly bundle: string;
  /** The text of `trusted.pem`; null for the bundle of the image. */
  readonly text: string | null;
}

/** Throws CERTIFICATE_INVALID: there is always one after `install`. */
export async function mailPair(host: Host, { paths }: Appliance): Promise<CertificatePair> {
  const pair = await readInstalledPair(host, paths);
  if (pair !== null) return pair;
  throw new MailctlError('CERTIFICATE_INVALID', 'the mail server has no certificate', {
    hint: 'mailctl apply',
  });
}

/** Whom Roundcube trusts: the self-signed certificate itself, the CA of the operator, or the CAs of Debian. */
export async function planTrust(
  host: Host,
  { settings }: Appliance,
  pair: CertificatePair,
): Promise<Trust> {
  const roots = pair.chain.filter(isSelfSigned).map((certificate) => certificate.toString());
  const { caFile } = settings.ssl;
  const own = caFile === null ? null : await host.files.read(caFile);
  const texts = [...roots, ...(own === null ? [] : [own])].map((text) => `${text.trimEnd()}\n`);
  if (texts.length === 0) return { bundle: SYSTEM_BUNDLE, text: null };
  return { bundle: `/etc/ssl/web/${TRUSTED}`, text: texts.join('') };
}

/** True if something was written: nginx must reload. */
export async function installWebPair(
  host: Host,
  web: WebContainer,
  { pair, trust }: { pair: CertificatePair; trust: Trust },
): Promise<boolean> {
  const texts = formatPair(pair);
  const changed = !(await isInstalled(host, web, texts));
  if (changed) await installPair(host, web, texts);
  const path = join(web.paths.ssl, TRUSTED);
  if (trust.text !== null && (await host.files.read(path)) !== trust.text) {
    await host.files.replace(path, trust.text, tlsChainMode(web.settings));
  }
  return changed;
}
