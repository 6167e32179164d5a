// The ACME account: one key for each directory URL, generated once, and the account options of UCI.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { AcmeAccess } from '../../host/acme.ts';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { generateEcKey } from '../../host/keys.ts';
import type { Appliance } from '../appliance.ts';
import { ensureAcmeFolder } from '../container/data-folders.ts';
import { SECRET_FILE } from '../container/modes.ts';
import type { Paths } from '../paths.ts';
import type { Settings } from '../settings/settings.ts';
import { parseKey } from '../tls/certificate.ts';

/** PEM. Throws CERTIFICATE_INVALID for a damaged file. */
async function ensureAccountKey(host: Host, paths: Paths, directory: string): Promise<string> {
  const path = join(paths.acme, `account-${digestText(directory).slice(0, 16)}.pem`);
  const present = await host.files.read(path);
  if (present !== null) {
    parseKey(present, path);
    return present;
  }
  await ensureAcmeFolder(host, paths);
  const key = await generateEcKey();
  const text = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  await host.files.replace(path, text, { mode: SECRET_FILE });
  return text;
}

/** Throws CONFIG_INVALID. */
async function trustedCertificates(host: Host, { ssl }: Settings): Promise<string | null> {
  if (ssl.caFile === null) return null;
  const text = await host.files.read(ssl.caFile);
  if (text !== null) return text;
  throw new MailctlError(
    'CONFIG_INVALID',
    `ssl.ca_file names ${ssl.caFile}, which does not exist`,
    {
      hint: 'mailctl set ssl.ca_file <file>',
    },
  );
}

/** Throws CERTIFICATE_INVALID or CONFIG_INVALID with the name of the file. */
export async function accountAt(
  host: Host,
  { settings, paths }: Appliance,
  directory: string,
): Promise<AcmeAccess> {
  const { eabKid: kid, eabHmac: hmacKey, contact } = settings.ssl;
  const address = contact ?? settings.main.postmaster;
  return {
    directory,
    accountKey: await ensureAccountKey(host, paths, directory),
    contact: address.includes('@') ? address : `${address}@${settings.main.domain}`,
    binding: kid === null || hmacKey === null ? null : { kid, hmacKey },
    trusted: await trustedCertificates(host, settings),
  };
}
