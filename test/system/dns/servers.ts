// The servers of the DNS test world: Knot as authoritative server, Unbound as resolver.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, startInBackground, waitFor } from '../lab/programs.ts';

export const PRIMARY = '127.53.0.1';
export const SECONDARY = '127.53.0.2';
export const RESOLVER = '127.53.0.9';
export const TSIG = { name: 'mail-key', secret: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyYg==' };

export interface ZoneOptions {
  /** Lines of the zone file other than SOA and NS. */
  readonly records: readonly string[];
  /** Different records at the second server, which then is not a secondary. */
  readonly elsewhere?: readonly string[];
  readonly signed?: boolean;
}

const head = (zone: string) => [
  '$TTL 300',
  `$ORIGIN ${zone}`,
  '@ 300 SOA ns1.nic.test. hostmaster.nic.test. 1 1 1 86400 60',
  '@ 300 NS ns1.nic.test.',
  '@ 300 NS ns2.nic.test.',
];

export const nic = [`ns1.nic.test. 300 A ${PRIMARY}`, `ns2.nic.test. 300 A ${SECONDARY}`];

function knotConfig(
  folder: string,
  address: string,
  zones: readonly (readonly [string, ZoneOptions])[],
): string {
  const first = address === PRIMARY;
  const entries = zones.flatMap(([name, { elsewhere, signed }]) => [
    `  - domain: ${name}`,
    ...(first || elsewhere !== undefined
      ? [`    file: ${folder}/${name === '.' ? 'root' : name}.zone`]
      : [`    master: first`]),
    '    acl: [all, notify]',
    '    zonefile-sync: -1',
    '    zonefile-load: whole',
    '    journal-content: all',
    ...(first && elsewhere === undefined ? ['    notify: second'] : []),
    ...(first && signed ? ['    dnssec-signing: on', '    dnssec-policy: quick'] : []),
  ]);
  return [
    ...['server:', `    listen: ${address}@53`, `    rundir: ${folder}`],
    ...['    udp-workers: 1', '    tcp-workers: 1', '    background-workers: 1'],
    ...['database:', `    storage: ${folder}/db`],
    ...['key:', `  - id: ${TSIG.name}`, '    algorithm: hmac-sha256', `    secret: ${TSIG.secret}`],
    ...['acl:', '  - id: all', `    key: ${TSIG.name}`, '    action: [transfer, update]'],
    ...['  - id: notify', `    address: [${PRIMARY}, 127.0.0.1]`, '    action: [notify, transfer]'],
    ...['remote:', '  - id: first', `    address: ${PRIMARY}@53`, `    key: ${TSIG.name}`],
    ...['  - id: second', `    address: ${SECONDARY}@53`],
    ...[
      'policy:',
      '  - id: quick',
      '    algorithm: ecdsap256sha256',
      '    single-type-signing: on',
    ],
    ...['zone:', ...entries, ''],
  ].join('\n');
}

export async function startKnot(
  inside: (argv: string[]) => string[],
  place: { folder: string; address: string },
  zones: readonly (readonly [string, ZoneOptions])[],
) {
  const { folder, address } = place;
  await mkdir(join(folder, 'db'), { recursive: true });
  for (const [name, { records, elsewhere }] of zones) {
    const lines = address === PRIMARY ? records : (elsewhere ?? records);
    const file = join(folder, `${name === '.' ? 'root' : name}.zone`);
    await writeFile(file, [...head(name), ...lines, ''].join('\n'));
  }
  const config = join(folder, 'knot.conf');
  await writeFile(config, knotConfig(folder, address, zones));
  const child = startInBackground(inside(['knotd', '-c', config]), join(folder, 'log'));
  for (const [name] of zones) {
    await waitFor(`${name} at ${address}`, async () => {
      if (child.exitCode !== null) throw new Error(await readFile(join(folder, 'log'), 'utf8'));
      const kdig = ['kdig', `@${address}`, '+short', '+norec', '+time=1', '+retry=0', name, 'SOA'];
      return (await run(inside(kdig))).stdout.includes('hostmaster') ? true : undefined;
    });
  }
  return { child, config };
}

export async function startUnbound(
  inside: (argv: string[]) => string[],
  folder: string,
  anchor: string | null,
  { address = RESOLVER, remembers = true, root = PRIMARY } = {},
) {
  await mkdir(folder, { recursive: true });
  const config = join(folder, 'unbound.conf');
  const lines = [
    ...[
      'server:',
      `  interface: ${address}`,
      // The resolver of a CA caches no record
      ...(remembers ? [] : ['  cache-max-ttl: 0', '  cache-max-negative-ttl: 0']),
      '  do-daemonize: no',
      '  use-syslog: no',
      '  chroot: ""',
    ],
    ...[
      '  username: ""',
      `  directory: ${folder}`,
      '  pidfile: ""',
      '  do-not-query-localhost: no',
    ],
    ...['  access-control: 0.0.0.0/0 allow', '  num-threads: 1', '  qname-minimisation: no'],
    ...['test.', 'arpa.', '2.0.192.in-addr.arpa.', '127.in-addr.arpa.'].map(
      (zone) => `  local-zone: "${zone}" nodefault`,
    ),
    ...(anchor === null ? ['  module-config: "iterator"'] : [`  trust-anchor: "${anchor}"`]),
    ...['stub-zone:', '  name: "."', `  stub-addr: ${root}`, ''],
  ];
  await writeFile(config, lines.join('\n'));
  const child = startInBackground(inside(['unbound', '-c', config]), join(folder, 'log'));
  await waitFor('the resolver', async () => {
    if (child.exitCode !== null) throw new Error(await readFile(join(folder, 'log'), 'utf8'));
    const kdig = ['kdig', `@${address}`, '+short', '+time=1', '+retry=0', 'test.', 'SOA'];
    return (await run(inside(kdig))).stdout.includes('hostmaster') ? true : undefined;
  });
  return child;
}
