// The rules that fw4 has loaded, found by the comment that it writes beside each rule.

import type { Host } from '../../host/host.ts';

/** The table of fw4. */
export const FW4 = ['inet', 'fw4'] as const;

const TABLE = FW4.join(' ');

export interface LiveRule {
  readonly kind: 'set' | 'rule';
  /** The section's option `name`, else the name of the section. */
  readonly label: string;
}

/** nft's listing of fw4's table; null when it is not loaded, or without nft. */
async function listRules(host: Host): Promise<string | null> {
  if (!host.programs.exists('nft')) return null;
  const list = ['nft', 'list', 'table', ...FW4];
  const { status, stdout } = await host.programs.query(list, { accept: [1] });
  return status === 0 && stdout.includes(`table ${TABLE} {`) ? stdout : null;
}

function isLoaded(listing: string, { kind, label }: LiveRule): boolean {
  // fw4 writes the comment with single quotes in place of double ones
  const mark = kind === 'set' ? `set ${label} {` : `"!fw4: ${label.replaceAll('"', "'")}"`;
  return listing.includes(mark);
}

/** Labels without a rule in the kernel; null when this host has not loaded fw4's table. */
export async function missingRules(
  host: Host,
  wanted: readonly LiveRule[],
): Promise<readonly string[] | null> {
  const listing = await listRules(host);
  if (listing === null) return null;
  return wanted.filter((rule) => !isLoaded(listing, rule)).map(({ label }) => label);
}
