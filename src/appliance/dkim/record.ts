// The DNS record that publishes a DKIM key, as text. Pure.

import { createPublicKey, type KeyObject } from 'node:crypto';
import type { MailDomain } from '../address.ts';

/** One DNS label; RFC 6376 3.1 also allows several. */
export type Selector = string;

export const DEFAULT_SELECTOR: Selector = 'mail';

export interface DkimRecord {
  readonly domain: MailDomain;
  readonly selector: Selector;
  /** Without the final dot. */
  readonly name: string;
  readonly type: 'TXT';
  readonly value: string;
  /** The value in pieces of at most 255 bytes, which resolvers join (RFC 7208 3.3). */
  readonly strings: readonly string[];
}

const MAX_STRING = 255;

function keyName(domain: MailDomain, selector: Selector): string {
  return `${selector}._domainkey.${domain}`;
}

/** Splits a value into the strings of a TXT record. */
function splitText(value: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < value.length; at += MAX_STRING) {
    pieces.push(value.slice(at, at + MAX_STRING));
  }
  return pieces;
}

/** The selector of the Ed25519 key that signs beside the RSA key of this selector. */
export const ed25519Selector = (selector: Selector): Selector => `${selector}-ed25519`;

/** RFC 8463 4.2: the 32 bytes of an Ed25519 key, without the structure around them. */
const ED25519_BYTES = 32;

/** RFC 6376 3.6.1. @param key private or public, RSA or Ed25519 */
export function dkimRecord(domain: MailDomain, selector: Selector, key: KeyObject): DkimRecord {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const value =
    publicKey.asymmetricKeyType === 'ed25519'
      ? `v=DKIM1; k=ed25519; p=${spki.subarray(-ED25519_BYTES).toString('base64')}`
      : `v=DKIM1; k=rsa; p=${spki.toString('base64')}`;
  return {
    ...{ domain, selector, name: keyName(domain, selector) },
    ...{ type: 'TXT', value, strings: splitText(value) },
  };
}

/** The record as a line of a zone file (RFC 1035 5.1). */
export function formatZoneRecord({ name, strings }: Pick<DkimRecord, 'name' | 'strings'>): string {
  const quoted = strings.map((piece) => `"${piece.replace(/["\\]/g, '\\$&')}"`);
  return `${name}. IN TXT ( ${quoted.join(' ')} )`;
}

/** The keys that a SigningTable names. */
export function signedKeys(table: string): { domain: MailDomain; selector: Selector }[] {
  return table.split('\n').flatMap((line) => {
    const [, domain, selector] = /^\*@(\S+) (\S+)\._domainkey\.\S+$/.exec(line) ?? [];
    if (domain === undefined || selector === undefined) return [];
    return [{ domain: domain as MailDomain, selector }];
  });
}
