// The DKIM records of a mail server in the lab, published as its operator would.

import { createPublicKey, type KeyObject } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { Appliance } from './appliance.ts';
import type { LabDns } from './dns.ts';
import { DOMAINS } from './plan.ts';

/** The character strings of the TXT record of a key; a string holds up to 255 bytes. */
export function dkimRecord(publicKey: KeyObject): string {
  if (publicKey.asymmetricKeyType === 'ed25519') {
    const { x = '' } = publicKey.export({ format: 'jwk' });
    return `"v=DKIM1; k=ed25519; p=${Buffer.from(x, 'base64url').toString('base64')}"`;
  }
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const strings = `v=DKIM1; k=rsa; p=${key}`.match(/.{1,255}/g) ?? [];
  return strings.map((text) => `"${text}"`).join(' ');
}

/** Publishes each DKIM key of the domain, built from the private keys and not from what mailctl prints. */
export async function publishDkim(
  dns: LabDns,
  box: Appliance,
  domain: string = DOMAINS.ours,
): Promise<void> {
  const folder = `${box.data}/dkim/${domain}`;
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.private')) continue;
    const key = createPublicKey(await readFile(`${folder}/${file}`, 'utf8'));
    const name = `${file.replace('.private', '')}._domainkey.${domain}.`;
    await dns.publish(name, 'TXT', [dkimRecord(key)]);
  }
}
