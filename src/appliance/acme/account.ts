// The account at a CA: a key for each directory, made once.

import { join } from 'node:path';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { generateEcKey } from '../../host/keys.ts';
import type { Paths } from '../paths.ts';
import { parseKey } from '../tls-certificate.ts';
import { ensureAcmeFolder } from './state.ts';

/** In PEM. Throws CERTIFICATE_INVALID that names a damaged file. */
export async function ensureAccountKey(
  host: Host,
  paths: Paths,
  directory: string,
): Promise<string> {
  const path = join(paths.acme, `account-${digestText(directory).slice(0, 16)}.pem`);
  const present = await host.files.read(path);
  if (present !== null) {
    parseKey(present, path);
    return present;
  }
  await ensureAcmeFolder(host, paths);
  const key = await generateEcKey();
  const text = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  await host.files.replace(path, text, { mode: 0o600 });
  return text;
}
