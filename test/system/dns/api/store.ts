// The providers' database: the zones of the test world's authoritative server, with a record id for each record as at
// OVH and Cloudflare.

import { must, run } from '../../lab/programs.ts';
import { PRIMARY, TSIG } from '../servers.ts';

export interface StoredRecord {
  readonly id: number;
  /** Without the final dot. */
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  /** In zone file format. */
  readonly data: string;
}

export interface Edit {
  readonly action: 'add' | 'delete';
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly data: string;
}

const ids = new Map<string, number>();

/** Gives the record of the second key the id of the first. */
export function rename(from: string, to: string): void {
  const id = ids.get(from);
  if (id === undefined) return;
  ids.delete(from);
  ids.set(to, id);
}

export const keyOf = ({ name, type, data }: Pick<StoredRecord, 'name' | 'type' | 'data'>) =>
  `${name} ${type} ${data}`;

export function idOf(key: string): number {
  const id = ids.get(key) ?? 5_000_000 + ids.size;
  ids.set(key, id);
  return id;
}

const HIDDEN = /^(?:SOA|RRSIG|NSEC3?|NSEC3PARAM|DNSKEY|CDS|CDNSKEY|TYPE\d+)$/;

export async function readZone(zone: string): Promise<StoredRecord[]> {
  const axfr = ['kdig', `@${PRIMARY}`, '-y', `hmac-sha256:${TSIG.name}:${TSIG.secret}`];
  const { stdout } = await run([...axfr, '+noall', '+answer', `${zone}.`, 'AXFR']);
  return stdout.split('\n').flatMap((line) => {
    const [owner = '', ttl = '', , type = '', ...words] = line.trim().split(/\s+/);
    if (words.length === 0 || owner.startsWith(';') || HIDDEN.test(type)) return [];
    const record = { name: owner.replace(/\.$/, ''), type, data: words.join(' ') };
    return [{ ...record, ttl: Number(ttl), id: idOf(keyOf(record)) }];
  });
}

/** Throws with the server's message if it refuses. */
export async function editZone(zone: string, edits: readonly Edit[]): Promise<void> {
  if (edits.length === 0) return;
  const lines = edits.map(({ action, name, type, ttl, data }) =>
    action === 'add'
      ? `update add ${name}. ${ttl} ${type} ${data}`
      : `update delete ${name}. ${type} ${data}`,
  );
  const key = `key hmac-sha256:${TSIG.name} ${TSIG.secret}`;
  const script = [`server ${PRIMARY}`, `zone ${zone}.`, key, ...lines, 'send', ''];
  await must(['nsupdate', '-v'], { stdin: script.join('\n') });
}

/** Quotes the strings that are not quoted yet. */
export function quoted(text: string): string {
  if (text.startsWith('"')) return text;
  const parts = text.match(/.{1,255}/g) ?? [''];
  return parts.map((part) => `"${part.replace(/["\\]/g, '\\$&')}"`).join(' ');
}
