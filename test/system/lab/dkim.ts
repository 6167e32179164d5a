// The DKIM records of a mail server in the lab, published as its operator would.

import { createPublicKey, type KeyObject } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { Appliance } from './appliance.ts';
import type { LabDns } from './dns.ts';
import { DOMAINS } from './plan.ts';

/** The character strings of the TXT record of an RSA key; a string holds up to 255 bytes. */
export function dkimRecord(publicKey: KeyObject): string {
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  return `"v=DKIM1; k=rsa; p=${key.slice(0, 200)}" "${key.slice(200)}"`;
}

/** Publishes each DKIM key of our domain, built from the private keys and not from what mailctl prints. */
export async function publishDkim(dns: LabDns, box: Appliance): Promise<void> {
  const folder = `${box.data}/dkim/${DOMAINS.ours}`;
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.private')) continue;
    const key = createPublicKey(await readFile(`${folder}/${file}`, 'utf8'));
    const name = `${file.replace('.private', '')}._domainkey.${DOMAINS.ours}.`;
    await dns.publish(name, 'TXT', [dkimRecord(key)]);
  }
}
