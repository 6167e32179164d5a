// The DNS test world, in a network namespace: a root and two authoritative servers for each zone (the second is a
// secondary of the first), a validating resolver, and a router that runs mailctl.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Finished, must, run, waitFor } from '../lab/programs.ts';
import { API_HOSTS, startProviderApis } from './api/start.ts';
import { makeRouter, type Router, type RouterOptions } from './router.ts';
import {
  nic,
  PRIMARY,
  SECONDARY,
  startKnot,
  startUnbound,
  TSIG,
  type ZoneOptions,
} from './servers.ts';

export interface DnsWorld {
  router(options: RouterOptions): Promise<Router>;
  /** All records of a zone at the first server, sorted, without SOA and DNSSEC. */
  zone(name: string): Promise<string[]>;
  /** Changes a zone without mailctl. */
  update(zone: string, ...lines: string[]): Promise<void>;
  run(argv: string[]): Promise<Finished>;
  /** The argument vector that runs a program in the namespace. */
  command(argv: string[]): string[];
  folder: string;
  /** The requests to the providers' APIs so far: `STATUS METHOD PROVIDER PATH BODY`. */
  requests(): Promise<string[]>;
  /** Stops and continues the second server. */
  signalSecondary(signal: NodeJS.Signals): void;
  down(): Promise<void>;
}

/** @param zones by name with the final dot, each directly below `test.` or in arpa */
export async function startDnsWorld(zones: Record<string, ZoneOptions>): Promise<DnsWorld> {
  const namespace = `msdns-${process.pid}`;
  const folder = await mkdtemp(join(tmpdir(), 'mailctl-dns-'));
  await run(['ip', 'netns', 'del', namespace]);
  await must(['ip', 'netns', 'add', namespace]);
  // Only in this namespace the names of the providers' APIs lead to the stand-in
  const hosts = `/etc/netns/${namespace}`;
  await mkdir(hosts, { recursive: true });
  await writeFile(join(hosts, 'hosts'), API_HOSTS);
  const inside = (argv: string[]) => ['ip', 'netns', 'exec', namespace, ...argv];
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
    const serial = async (address: string) =>
      (await run(inside(['kdig', `@${address}`, '+short', '+norec', zone, 'SOA']))).stdout;
    await waitFor(`${zone} at the second server`, async () =>
      (await serial(PRIMARY)) === (await serial(SECONDARY)) ? true : undefined,
    );
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
  const apis = await startProviderApis(inside, join(folder, 'apis'));
  let routers = 0;
  return {
    update,
    run: (argv) => run(inside(argv)),
    command: inside,
    folder,
    requests: apis.requests,
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
      return makeRouter({ inside, apis }, join(folder, `router${routers}`), options);
    },
    down: async () => {
      second.child.kill('SIGCONT');
      for (const child of [unbound, first.child, second.child]) child.kill('SIGKILL');
      await apis.stop();
      await Promise.all([unbound.exited, first.child.exited, second.child.exited]);
      await run(['ip', 'netns', 'del', namespace]);
      for (const path of [folder, hosts]) await rm(path, { recursive: true, force: true });
    },
  };
}
