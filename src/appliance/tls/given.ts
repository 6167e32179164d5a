// `ssl.type manual`: reads and checks the operator's certificate and key files.

import { dirname, resolve } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Settings } from '../settings/settings.ts';
import { type CertificatePair, pairProblems, parseChain, parseKey } from './certificate.ts';

const MAX_BYTES = 256 * 1024;
const MAX_LINKS = 10;

function invalid(message: string, hint?: string): MailctlError {
  return new MailctlError('CERTIFICATE_INVALID', message, hint === undefined ? {} : { hint });
}

/** Resolves symbolic links: ACME clients often link certificates into an archive folder. */
async function followLinks(host: Host, path: string): Promise<string> {
  let current = path;
  for (let step = 0; step < MAX_LINKS; step += 1) {
    if ((await host.files.stat(current))?.kind !== 'link') return current;
    current = resolve(dirname(current), (await host.files.readLink(current)) ?? '');
  }
  throw invalid(`${path} is a broken symbolic link`);
}

async function readGiven(host: Host, option: string, path: string | null): Promise<string> {
  if (path === null) {
    throw new MailctlError('CONFIG_INVALID', `ssl.type is manual, but ssl.${option} is not set`, {
      hint: `mailctl set ssl.${option} <file>`,
    });
  }
  const stat = await host.files.stat(await followLinks(host, path));
  if (stat === null) throw invalid(`ssl.${option} names ${path}, which does not exist`);
  if (stat.kind !== 'file') throw invalid(`ssl.${option} names ${path}, which is not a file`);
  if (stat.size > MAX_BYTES) {
    throw invalid(
      `ssl.${option} names ${path}, which has ${stat.size} bytes; the limit is ${MAX_BYTES}`,
    );
  }
  return (await host.files.read(path)) ?? '';
}

/** Throws CERTIFICATE_INVALID or CONFIG_INVALID that names the file. */
export async function readGivenPair(host: Host, { ssl }: Settings): Promise<CertificatePair> {
  const certificates = await readGiven(host, 'cert_path', ssl.certPath);
  const key = await readGiven(host, 'key_path', ssl.keyPath);
  return {
    chain: parseChain(certificates, ssl.certPath ?? ''),
    key: parseKey(key, ssl.keyPath ?? ''),
  };
}

/** Throws CERTIFICATE_INVALID with every problem of the pair. */
export function checkGivenPair(
  settings: Settings,
  pair: CertificatePair,
  wanted: { names: readonly string[]; now: Date },
): void {
  const problems = pairProblems(pair, wanted);
  if (problems.length === 0) return;
  const { certPath } = settings.ssl;
  throw invalid(
    `the certificate ${certPath} cannot be used: ${problems.join('; ')}`,
    `openssl x509 -noout -text -in ${certPath}`,
  );
}
