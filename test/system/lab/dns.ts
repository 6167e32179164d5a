// The outside world's DNS: one Knot server that is root, TLD and everything below, signed or not, changeable while
// it runs. Nothing resolves beyond it.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { onHost } from './network.ts';
import { NETWORK, RUN_DIRECTORY } from './plan.ts';
import { must, run, startInBackground, waitFor } from './programs.ts';
import { labZones, type Zone, zoneText } from './zones.ts';

export interface LabDns {
  address: string;
  /** `DS` line of the root's key, for a validating resolver; null when nothing is signed. */
  trustAnchor: string | null;
  /** Makes `values` the whole record set. The names end in a dot; no values removes the set. */
  publish(name: string, type: string, values: string[], ttl?: number): Promise<void>;
  /** The values as the server gives them now. */
  lookup(name: string, type: string): Promise<string[]>;
  /** Adds a domain of the outside world or another one of ours. */
  addZone(name: string, records: string[]): Promise<void>;
  /** Stops answering, and answers again. */
  pause(): void;
  resume(): void;
}

const DIRECTORY = `${RUN_DIRECTORY}/dns`;
const LOG = `${DIRECTORY}/log`;

export async function startDns(options: { signed?: boolean } = {}): Promise<LabDns> {
  const signed = options.signed ?? false;
  const zones = labZones();
  await mkdir(`${DIRECTORY}/zones`, { recursive: true });
  await mkdir(`${DIRECTORY}/db`, { recursive: true });
  for (const zone of zones) await writeZone(zone, zones);
  await writeFile(`${DIRECTORY}/knot.conf`, configuration(zones, signed));
  const child = startInBackground(onHost('wan', ['knotd', '-c', `${DIRECTORY}/knot.conf`]), LOG);
  await waitFor('the DNS server', async () => {
    if (child.exitCode !== null) throw new Error(`knotd ended: ${await readFile(LOG, 'utf8')}`);
    const { stdout } = await run(knotc('zone-status', '.'));
    return /serial: \d/.test(stdout) ? true : undefined;
  });
  if (signed) for (const zone of zones) await publishDs(zone);
  return {
    address: NETWORK.dns,
    trustAnchor: signed ? ((await dsRecords('.'))[0] ?? null) : null,
    publish: (name, type, values, ttl = 30) => publish(zones, { name, type, values, ttl }),
    lookup,
    addZone: async (name, records) => {
      const zone = { name, parent: 'test.', records };
      zones.push(zone);
      await writeZone(zone, zones);
      await writeFile(`${DIRECTORY}/knot.conf`, configuration(zones, signed));
      await must(knotc('reload'));
      await publish(zones, { name, type: 'NS', values: ['ns.nic.test.'], ttl: 30, parent: true });
      await waitFor(name, async () => (await lookup(name, 'SOA'))[0]);
      if (signed) await publishDs(zone);
    },
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
  };
}

const knotc = (...words: string[]): string[] =>
  onHost('wan', ['knotc', '-c', `${DIRECTORY}/knot.conf`, '-b', '-t', '20', ...words]);

const fileOf = (zone: string): string => `${DIRECTORY}/zones/${zone === '.' ? 'root' : zone}zone`;

const writeZone = (zone: Zone, all: Zone[]): Promise<void> =>
  writeFile(fileOf(zone.name), zoneText(zone, all));

function configuration(zones: Zone[], signed: boolean): string {
  const policy = signed ? ['    dnssec-signing: on', '    dnssec-policy: lab'] : [];
  const entries = zones.flatMap(({ name }) => [
    `  - domain: ${name}`,
    `    file: ${fileOf(name)}`,
    '    zonefile-sync: -1',
    '    zonefile-load: difference-no-serial',
    '    journal-content: all',
    '    acl: update',
    ...policy,
  ]);
  return [
    ...['server:', `    listen: ${NETWORK.dns}@53`, `    rundir: ${DIRECTORY}`],
    ...['    udp-workers: 1', '    tcp-workers: 1', '    background-workers: 1'],
    ...['database:', `    storage: ${DIRECTORY}/db`],
    ...['acl:', '  - id: update', '    address: 0.0.0.0/0', '    action: update'],
    ...['policy:', '  - id: lab', '    algorithm: ecdsap256sha256', '    single-type-signing: on'],
    ...['zone:', ...entries, ''],
  ].join('\n');
}

interface RecordSet {
  name: string;
  type: string;
  values: string[];
  ttl: number;
  /** the set belongs to the zone above the one of the same name, as NS and DS do */
  parent?: boolean;
}

async function publish(zones: Zone[], set: RecordSet): Promise<void> {
  const zone = zones
    .map(({ name }) => name)
    .filter((name) => !set.parent || name !== set.name)
    .filter((name) => name === '.' || set.name === name || set.name.endsWith(`.${name}`))
    .reduce((longest, name) => (name.length > longest.length ? name : longest), '.');
  await must(knotc('zone-begin', zone));
  await run(knotc('zone-unset', zone, set.name, set.type));
  for (const value of set.values) {
    await must(knotc('zone-set', zone, set.name, String(set.ttl), set.type, value));
  }
  await must(knotc('zone-commit', zone));
}

async function lookup(name: string, type: string): Promise<string[]> {
  const kdig = ['kdig', `@${NETWORK.dns}`, '+short', '+norec', name, type];
  return (await must(onHost('wan', kdig))).split('\n').filter((line) => line !== '');
}

/** Waits for the zone's key, which Knot makes when it signs for the first time. */
async function dsRecords(zone: string): Promise<string[]> {
  const keymgr = onHost('wan', ['keymgr', '-c', `${DIRECTORY}/knot.conf`, zone, 'ds']);
  const text = await waitFor(`a key of ${zone}`, async () => {
    const { stdout } = await run(keymgr);
    return stdout.includes(' DS ') ? stdout : undefined;
  });
  return text.split('\n').filter((line) => / DS \d+ \d+ 2 /.test(line));
}

async function publishDs(zone: Zone): Promise<void> {
  if (zone.parent === null) return;
  const values = (await dsRecords(zone.name)).map((line) => line.replace(/^.* DS /, ''));
  const set = { name: zone.name, type: 'DS', values, ttl: 30 };
  await must(knotc('zone-begin', zone.parent));
  for (const value of values) {
    await must(knotc('zone-set', zone.parent, set.name, String(set.ttl), set.type, value));
  }
  await must(knotc('zone-commit', zone.parent));
}
