// Self-signed certificates for the servers of the outside world.

import { must } from './programs.ts';

/** Paths of two PEM files. */
export interface TlsPair {
  certificate: string;
  key: string;
}

export async function makeCertificate(directory: string, names: string[]): Promise<TlsPair> {
  const [first = 'localhost'] = names;
  const pair = { certificate: `${directory}/${first}.pem`, key: `${directory}/${first}.key` };
  const alternatives = names.map((name) => `DNS:${name}`).join(',');
  await must([
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    ...['-nodes', '-days', '30', '-subj', `/CN=${first}`],
    ...['-addext', `subjectAltName=${alternatives}`],
    ...['-keyout', pair.key, '-out', pair.certificate],
  ]);
  return pair;
}
