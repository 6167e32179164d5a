// Lookup tables within Postfix's main.cf, each in one line; empty without entries. Pure.

const tableOf = (type: string, rows: readonly string[]): string =>
  rows.length === 0 ? '' : `${type}:{ ${rows.map((row) => `{ ${row} }`).join(' ')} }`;

export function inlineTable(entries: Iterable<readonly [key: string, value: string]>): string {
  const rows = [...entries].map(([key, value]) => `${key} = ${value}`);
  return tableOf('inline', rows);
}

/** One action for all networks: https://www.postfix.org/cidr_table.5.html */
export function cidrTable(networks: readonly string[], action: string): string {
  const rows = networks.map((network) => `${network} ${action}`);
  return tableOf('cidr', rows);
}
