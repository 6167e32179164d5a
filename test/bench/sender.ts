// The outside domain whose mail is measured: authenticated and with matching names, as mail from a real provider is.

import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { dkimRecord } from '../system/lab/dkim.ts';
import type { LabDns } from '../system/lab/dns.ts';

export const SENDER_DOMAIN = 'provider.test';
export const SELECTOR = 'load';

const NETWORK = '198.51.100';
const FIRST = 30;
const ADDRESSES = 5;
/** As many as the server accepts from one address by default (src/appliance/render/sessions.ts). */
const CONNECTIONS = 4;

interface Source {
  address: string;
  name: string;
}

/** The address of a connection, and its host name for EHLO. */
export function sourceOf(connection: number): Source {
  const last = FIRST + Math.floor(connection / CONNECTIONS);
  return { address: `${NETWORK}.${last}`, name: `out${last}.${SENDER_DOMAIN}` };
}

/** Makes the domain with SPF, DKIM and DMARC, and writes its private key to `file`. */
export async function prepareSender(dns: LabDns, file: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const sources = Array.from({ length: ADDRESSES }, (_, n) => sourceOf(n * CONNECTIONS));
  await dns.addZone(`${SENDER_DOMAIN}.`, [
    '@ MX 10 mx.outside.test.',
    `@ TXT "v=spf1 ip4:${NETWORK}.0/24 -all"`,
    '_dmarc TXT "v=DMARC1; p=reject"',
    `${SELECTOR}._domainkey TXT ${dkimRecord(publicKey)}`,
    ...sources.map(({ address, name }) => `${name}. A ${address}`),
  ]);
  for (const { address, name } of sources) {
    const reversed = address.split('.').toReversed().join('.');
    await dns.publish(`${reversed}.in-addr.arpa.`, 'PTR', [`${name}.`]);
  }
}
