// What surrounds the router: the outside world of the system tests (root and TLDs, the zone of our domain, a mail server),
// with a CA and a resolver of the provider, and a client on the LAN. The lab's router is only the place where the
// virtual machine runs: its links lead to the machine's two network interfaces.

import { type Pebble, startPebble } from '../system/dns/pebble.ts';
import { startUnbound } from '../system/dns/servers.ts';
import { makeCertificate } from '../system/lab/certificate.ts';
import { type LabDns, startDns } from '../system/lab/dns.ts';
import { type LabHost, startHost } from '../system/lab/host.ts';
import { type OutsideMx, startMx } from '../system/lab/mx.ts';
import { labDown, networkUp, onHost } from '../system/lab/network.ts';
import { DOMAINS, NETWORK, namespaceOf, RUN_DIRECTORY } from '../system/lab/plan.ts';
import { must } from '../system/lab/programs.ts';
import { useRoot } from '../system/lab/resolver.ts';
import { labZones, type Zone } from '../system/lab/zones.ts';

/** The network of the README. */
export const LAN = { router: '192.168.1.1', client: '192.168.1.10', server: '192.168.1.25' };

/** The router's address on the WAN, and the one that it gets later. */
export const WAN = { first: NETWORK.router.wan, second: '192.0.2.7', gateway: NETWORK.wan.address };

export const RESOLVER = '198.51.100.9';
const CA = '198.51.100.14';

export interface World {
  readonly wan: LabHost;
  readonly lan: LabHost;
  readonly dns: LabDns;
  readonly mx: OutsideMx;
  readonly ca: Pebble;
  readonly taps: { readonly lan: string; readonly wan: string };
  /** The argument vector that runs the virtual machine between LAN and WAN. */
  command(argv: string[]): string[];
  /** Writes the operator's files for a resolver with this world's root below a data folder. */
  describeRoot(data: string): Promise<void>;
  down(): Promise<void>;
}

/** Our zone is empty, as a domain that was just registered. */
const zones = (): Zone[] =>
  labZones().map((zone) => (zone.name === `${DOMAINS.ours}.` ? { ...zone, records: [] } : zone));

/** A bridge in the place of each end of the lab's router, with a tap device for the machine. */
async function plugIn(): Promise<World['taps']> {
  const ip = (words: string) => must(['ip', '-n', namespaceOf('router'), ...words.split(' ')]);
  const taps = { lan: 'tap-lan', wan: 'tap-wan' };
  for (const [side, link] of [
    ['lan', 'lan0'],
    ['wan', 'wan0'],
  ] as const) {
    await ip(`addr flush dev ${link}`);
    await ip(`link add ${side} type bridge forward_delay 0`);
    await ip(`tuntap add ${taps[side]} mode tap`);
    for (const port of [link, taps[side]]) await ip(`link set ${port} master ${side} up`);
    await ip(`link set ${side} up`);
  }
  return taps;
}

async function addressHosts(): Promise<void> {
  const ip = (host: 'lan' | 'wan', words: string) =>
    must(onHost(host, ['ip', ...words.split(' ')]));
  await ip('lan', `addr add ${LAN.client}/24 dev eth0`);
  await ip('lan', `route replace default via ${LAN.router}`);
  for (const address of [RESOLVER, CA]) await ip('wan', `addr add ${address}/32 dev lo`);
}

export async function startWorld(): Promise<World> {
  await labDown();
  await networkUp();
  const taps = await plugIn();
  await addressHosts();
  await must(['mkdir', '-p', RUN_DIRECTORY]);
  const outside = (argv: string[]) => onHost('wan', argv);
  const place = { command: outside, directory: `${RUN_DIRECTORY}/dns`, address: NETWORK.dns };
  const dns = await startDns(place, zones());
  const resolver = { address: RESOLVER, remembers: false, root: NETWORK.dns };
  const unbound = await startUnbound(outside, `${RUN_DIRECTORY}/resolver`, null, resolver);
  const ca = await startPebble(outside, `${RUN_DIRECTORY}/ca`, { address: CA, resolver: RESOLVER });
  const pair = await makeCertificate(RUN_DIRECTORY, [`mx.${DOMAINS.outside}`, DOMAINS.outside]);
  const mx = await startMx({ host: 'wan', address: NETWORK.mx, pair });
  return {
    ...{ dns, mx, ca, taps },
    wan: await startHost('wan', WAN.first),
    lan: await startHost('lan', LAN.server),
    command: (argv) => onHost('router', argv),
    describeRoot: (data) => useRoot(data, dns),
    down: async () => {
      mx.stop();
      await ca.stop();
      unbound.kill('SIGKILL');
      await labDown();
    },
  };
}
