// A small world of its own for the DNS tests, in a network namespace: a root and two authoritative servers for
// each zone (the second a secondary of the first), a validating resolver, and a router that runs mailctl.

import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Finished, must, run, startInBackground, waitFor } from '../lab/programs.ts';

const PROJECT = join(import.meta.dir, '../../..');
export const PRIMARY = '127.53.0.1';
export const SECONDARY = '127.53.0.2';
export const RESOLVER = '127.53.0.9';
export const TSIG = { name: 'mail-key', secret: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyYg==' };

export type ProviderName = 'cloudflare' | 'ovh' | 'gandi';

export interface ZoneOptions {
  /** Lines of the zone file beside SOA and NS. */
  readonly records: readonly string[];
  /** Other records at the second server, which then is no secondary. */
  readonly elsewhere?: readonly string[];
  readonly signed?: boolean;
}

export interface RouterOptions {
  readonly provider?: ProviderName;
  readonly domain: string;
  /** What dnsctl manages; the domain unless told. */
  readonly zone?: string;
  /** Lines of the section `dns`, as `option value`. */
  readonly dns?: readonly string[];
  readonly env?: Record<string, string>;
}

export interface Router {
  readonly root: string;
  mailctl(line: string, env?: Record<string, string>): Promise<Finished>;
  /** The calls that dnsctl got so far, each as its words. */
  calls(): Promise<string[][]>;
}

export interface DnsWorld {
  router(options: RouterOptions): Promise<Router>;
  /** All records of a zone at the first server, sorted, without SOA and DNSSEC. */
  zone(name: string): Promise<string[]>;
  /** Changes a zone as somebody else would. */
  update(zone: string, ...lines: string[]): Promise<void>;
  run(argv: string[]): Promise<Finished>;
  /** Stops and continues the second server. */
  signalSecondary(signal: NodeJS.Signals): void;
  down(): Promise<void>;
}

const head = (zone: string) => [
  '$TTL 300',
  `$ORIGIN ${zone}`,
  '@ 300 SOA ns1.nic.test. hostmaster.nic.test. 1 1 1 86400 60',
  '@ 300 NS ns1.nic.test.',
  '@ 300 NS ns2.nic.test.',
];

const nic = [`ns1.nic.test. 300 A ${PRIMARY}`, `ns2.nic.test. 300 A ${SECONDARY}`];

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

async function startKnot(
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

async function startUnbound(
  inside: (argv: string[]) => string[],
  folder: string,
  anchor: string | null,
) {
  await mkdir(folder, { recursive: true });
  const config = join(folder, 'unbound.conf');
  const lines = [
    ...[
      'server:',
      `  interface: ${RESOLVER}`,
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
    ...['  access-control: 127.0.0.0/8 allow', '  num-threads: 1', '  qname-minimisation: no'],
    ...['test.', 'arpa.', '2.0.192.in-addr.arpa.', '127.in-addr.arpa.'].map(
      (zone) => `  local-zone: "${zone}" nodefault`,
    ),
    ...(anchor === null ? ['  module-config: "iterator"'] : [`  trust-anchor: "${anchor}"`]),
    ...['stub-zone:', '  name: "."', `  stub-addr: ${PRIMARY}`, ''],
  ];
  await writeFile(config, lines.join('\n'));
  const child = startInBackground(inside(['unbound', '-c', config]), join(folder, 'log'));
  await waitFor('the resolver', async () => {
    if (child.exitCode !== null) throw new Error(await readFile(join(folder, 'log'), 'utf8'));
    const kdig = ['kdig', `@${RESOLVER}`, '+short', '+time=1', '+retry=0', 'test.', 'SOA'];
    return (await run(inside(kdig))).stdout.includes('hostmaster') ? true : undefined;
  });
  return child;
}

/** @param zones by name with the final dot, all of them directly below `test.` or in arpa */
export async function startDnsWorld(zones: Record<string, ZoneOptions>): Promise<DnsWorld> {
  const namespace = `msdns-${process.pid}`;
  const folder = await mkdtemp(join(tmpdir(), 'mailctl-dns-'));
  await run(['ip', 'netns', 'del', namespace]);
  await must(['ip', 'netns', 'add', namespace]);
  const inside = (argv: string[]) => ['nsenter', `--net=/run/netns/${namespace}`, '--', ...argv];
  await must(inside(['ip', 'link', 'set', 'lo', 'up']));
  const named = Object.entries(zones);
  const delegate = (parent: string) =>
    named
      .filter(([name]) => (parent === '.' ? !name.endsWith('.test.') : name.endsWith('.test.')))
      .flatMap(([name]) => [`${name} 300 NS ns1.nic.test.`, `${name} 300 NS ns2.nic.test.`]);
  const signed = named.some(([, zone]) => zone.signed);
  const all: [string, ZoneOptions][] = [
    [
      '.',
      {
        records: [
          'test. 300 NS ns1.nic.test.',
          'test. 300 NS ns2.nic.test.',
          ...nic,
          ...delegate('.'),
        ],
        signed,
      },
    ],
    ['test.', { records: [...nic, ...delegate('test.')], signed }],
    ...named,
  ];
  const first = await startKnot(inside, { folder: join(folder, 'first'), address: PRIMARY }, all);
  const second = await startKnot(
    inside,
    { folder: join(folder, 'second'), address: SECONDARY },
    all,
  );
  const update: DnsWorld['update'] = async (zone, ...lines) => {
    const script = [
      `server ${PRIMARY}`,
      `zone ${zone}`,
      `key hmac-sha256:${TSIG.name} ${TSIG.secret}`,
      ...lines,
      'send',
      '',
    ];
    await must(inside(['nsupdate', '-v']), { stdin: script.join('\n') });
  };
  const ds = async (zone: string) =>
    waitFor(`the key of ${zone}`, async () => {
      const { stdout } = await run(inside(['keymgr', '-c', first.config, zone, 'ds']));
      return stdout.split('\n').find((line) => / DS \d+ \d+ 2 /.test(line));
    });
  let anchor: string | null = null;
  if (signed) {
    for (const [name, zone] of all) {
      if (!zone.signed || name === '.') continue;
      const parent = name.endsWith('.test.') ? 'test.' : '.';
      await update(parent, `update add ${(await ds(name)).replace(' DS ', ' 300 IN DS ')}`);
    }
    anchor = await ds('.');
  }
  const unbound = await startUnbound(inside, join(folder, 'unbound'), anchor);
  let routers = 0;
  return {
    update,
    run: (argv) => run(inside(argv)),
    zone: async (name) => {
      const axfr = ['kdig', `@${PRIMARY}`, '-y', `hmac-sha256:${TSIG.name}:${TSIG.secret}`];
      const text = await must(inside([...axfr, '+noall', '+answer', name, 'AXFR']));
      const lines = text.split('\n').map((line) => line.replace(/\s+/g, ' ').trim());
      return lines
        .filter(
          (line) =>
            line !== '' &&
            !/ (SOA|RRSIG|NSEC3?|DNSKEY|NSEC3PARAM|CDS|CDNSKEY|TYPE65534) /.test(line) &&
            !line.startsWith(';'),
        )
        .sort();
    },
    signalSecondary: (signal) => second.child.kill(signal),
    router: (options) => {
      routers += 1;
      return makeRouter(inside, join(folder, `router${routers}`), options);
    },
    down: async () => {
      second.child.kill('SIGCONT');
      for (const child of [unbound, first.child, second.child]) child.kill('SIGKILL');
      await Promise.all([unbound.exited, first.child.exited, second.child.exited]);
      await run(['ip', 'netns', 'del', namespace]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeRouter(
  inside: (argv: string[]) => string[],
  root: string,
  options: RouterOptions,
): Promise<Router> {
  const { domain, zone = domain, provider = 'cloudflare' } = options;
  const data = join(root, 'srv/mailserver');
  await mkdir(join(root, 'etc/config'), { recursive: true });
  await mkdir(join(data, 'dkim', domain), { recursive: true });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(join(data, 'dkim', domain, 'mail.private'), pem);
  const uci = [
    "config mailserver 'main'",
    `\toption domain '${domain}'`,
    "config dns 'dns'",
    `\tlist resolver '${RESOLVER}'`,
    ...(options.dns ?? ["list public_address '192.0.2.25'"]).map((line) => `\t${line}`),
  ];
  await writeFile(join(root, 'etc/config/mailserver'), `${uci.join('\n')}\n`);
  await writeFile(
    join(root, 'etc/config/dns-provider'),
    `config dns-provider 'main'\n\toption provider '${provider}'\n\toption zone '${zone}'\n\toption zones '${zone}'\n`,
  );
  const log = join(root, 'dnsctl.log');
  const path = `${join(PROJECT, 'test/stand-ins')}:${process.env.PATH}`;
  const key = `hmac-sha256:${TSIG.name} ${TSIG.secret}`;
  const base = {
    MAILCTL_ROOT: root,
    PATH: path,
    DNSCTL_SERVER: PRIMARY,
    DNSCTL_KEY: key,
    DNSCTL_LOG: log,
  };
  const program = [process.execPath, join(PROJECT, 'src/mailctl/main.ts')];
  return {
    root,
    mailctl: (line, env = {}) =>
      run(inside([...program, ...line.split(' ')]), {
        env: { ...base, ...options.env, ...env },
        timeout: 150_000,
      }),
    calls: async () =>
      (await readFile(log, 'utf8').catch(() => ''))
        .split('\n')
        .filter((call) => call !== '')
        .map((call) => JSON.parse(call) as string[]),
  };
}
