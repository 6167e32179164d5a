// Decides which addresses to publish, from the published ones and those of the WAN interface. An unusable address
// never replaces a published one. Pure.

import type { PublicAddresses } from './public-address.ts';
import { setKey } from './publish/present.ts';
import type { DnsState, JournalEntry, OwnValue } from './publish/state.ts';

export interface Addresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

export interface Move {
  readonly wanted: Addresses;
  readonly changed: boolean;
  /** Address families that are published and that the interface no longer has. */
  readonly vanished: readonly Family[];
  /** Why an address is kept, for the operator. */
  readonly notes: readonly string[];
}

export type Family = keyof Addresses;

const FAMILIES = [
  { family: 'ipv4', version: 4, type: 'A' },
  { family: 'ipv6', version: 6, type: 'AAAA' },
] as const;

export function isOwnAddress({ name, type, held }: OwnValue, hostname: string): boolean {
  return name === hostname && (type === 'A' || type === 'AAAA') && !held;
}

/** The addresses of `hostname` that mailctl published. */
export function publishedAddresses(state: DnsState, hostname: string): Addresses {
  const of = (wanted: string) =>
    state.values
      .filter((own) => isOwnAddress(own, hostname) && own.type === wanted)
      .map(({ value }) => value);
  return { ipv4: of('A'), ipv6: of('AAAA') };
}

/** The IP version of the address at the start of the text, or null. */
function versionOf(text: string): 4 | 6 | null {
  if (/^\d+(?:\.\d+){3}(?:\s|$)/.test(text)) return 4;
  return /^[\da-f]*:[\da-f:.]*(?:\s|$)/i.test(text) ? 6 : null;
}

const sameSet = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((one) => b.includes(one));

export function planMove(published: Addresses, found: PublicAddresses): Move {
  // an entry without an address means that the interface could not be read
  const unknown = found.unfit.filter((text) => versionOf(text) === null);
  const wanted: Record<Family, readonly string[]> = { ipv4: [], ipv6: [] };
  const vanished: Family[] = [];
  const notes: string[] = [...unknown];
  for (const { family, version, type } of FAMILIES) {
    const unfit = found.unfit.filter((text) => versionOf(text) === version);
    const kept = found[family].length === 0 && (unfit.length > 0 || unknown.length > 0);
    wanted[family] = kept ? published[family] : found[family];
    if (published[family].length === 0) continue;
    if (kept) notes.push(...unfit.map((why) => `the ${type} record is kept: ${why}`));
    if (wanted[family].length === 0) vanished.push(family);
  }
  const nothingLeft = wanted.ipv4.length + wanted.ipv6.length === 0;
  if (nothingLeft && unknown.length === 0) notes.push(`${found.source} has no public address now`);
  // without any address there is nothing to publish, and the old one may return
  const target = nothingLeft ? published : wanted;
  const changed = FAMILIES.some(({ family }) => !sameSet(target[family], published[family]));
  return { wanted: target, changed, vanished: nothingLeft ? [] : vanished, notes };
}

/**
 * The journal of the last setup after an address change: undoing it must remove the new addresses, and must
 * not restore an old one, which may belong to another customer by now.
 */
export function followEntries(
  entries: readonly JournalEntry[],
  changes: readonly JournalEntry[],
): JournalEntry[] {
  return entries.map((entry) => {
    const change = changes.find((one) => setKey(one) === setKey(entry));
    if (change === undefined) return entry;
    const kept = entry.added.filter((value) => !change.removed.includes(value));
    return { ...entry, added: [...new Set([...kept, ...change.added])] };
  });
}
