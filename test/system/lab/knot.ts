// Runs one Knot DNS server in a namespace and controls it.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { must, run, startInBackground, waitFor } from './programs.ts';
import { type Zone, zoneText } from './zones.ts';

/** Namespace, folder and address of the server. */
export interface Place {
  /** The argument vector that runs a program in the namespace. */
  command(argv: string[]): string[];
  directory: string;
  address: string;
}

export interface Knot {
  /** Runs a knotc command; throws if the server refuses it. */
  control(...words: string[]): Promise<string>;
  lookup(name: string, type: string): Promise<string[]>;
  /** DS records (SHA-256) of a zone, in presentation format; waits for the zone's first key. */
  dsRecords(zone: string): Promise<string[]>;
  /** Serves exactly these zones; records published into a known zone stay. */
  serve(zones: Zone[]): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

export async function startKnot(place: Place, zones: Zone[]): Promise<Knot> {
  const { directory, address, command } = place;
  const configFile = `${directory}/knot.conf`;
  const log = `${directory}/log`;
  const knotc = ['knotc', '-c', configFile, '-b', '-t', '20'];
  await mkdir(`${directory}/zones`, { recursive: true });
  await mkdir(`${directory}/db`, { recursive: true });
  await writeFiles(place, zones);
  // A killed server leaves a stale pid file, which the next one would take as valid
  await rm(`${directory}/knot.pid`, { force: true });
  const child = startInBackground(command(['knotd', '-c', configFile]), log);
  await waitFor('the DNS server', async () => {
    if (child.exitCode !== null) throw new Error(`knotd ended: ${await readFile(log, 'utf8')}`);
    const { stdout } = await run(command([...knotc, 'zone-status', '.']));
    return /serial: \d/.test(stdout) ? true : undefined;
  });
  return {
    control: (...words) => must(command([...knotc, ...words])),
    lookup: async (name, type) => {
      const answer = await must(command(['kdig', `@${address}`, '+short', '+norec', name, type]));
      return answer.split('\n').filter((line) => line !== '');
    },
    dsRecords: async (zone) => {
      const keymgr = command(['keymgr', '-c', configFile, zone, 'ds']);
      const lines = await waitFor(`a key of ${zone}`, async () => {
        const { stdout } = await run(keymgr);
        return stdout.includes(' DS ') ? stdout.split('\n') : undefined;
      });
      return lines.filter((line) => / DS \d+ \d+ 2 /.test(line));
    },
    serve: async (wanted) => {
      await writeFiles(place, wanted);
      await must(command([...knotc, 'reload']));
    },
    signal: (name) => child.kill(name),
  };
}

const zoneFile = (place: Place, zone: string): string =>
  `${place.directory}/zones/${zone === '.' ? 'root.' : zone}zone`;

async function writeFiles(place: Place, zones: Zone[]): Promise<void> {
  for (const zone of zones) {
    const path = zoneFile(place, zone.name);
    // A rewrite would remove the records published since
    if (!(await Bun.file(path).exists())) await writeFile(path, zoneText(zone, zones));
  }
  await writeFile(`${place.directory}/knot.conf`, configuration(place, zones));
}

function configuration(place: Place, zones: Zone[]): string {
  const entries = zones.flatMap(({ name }) => [
    `  - domain: ${name}`,
    `    file: ${zoneFile(place, name)}`,
    // The file is read only for a new zone; changes are in the journal
    '    zonefile-sync: -1',
    '    zonefile-load: whole',
    '    journal-content: all',
    '    acl: update',
    '    dnssec-signing: on',
    '    dnssec-policy: lab',
  ]);
  return [
    ...['server:', `    listen: ${place.address}@53`, `    rundir: ${place.directory}`],
    ...['    udp-workers: 1', '    tcp-workers: 1', '    background-workers: 1'],
    ...['database:', `    storage: ${place.directory}/db`],
    ...['acl:', '  - id: update', '    address: 0.0.0.0/0', '    action: update'],
    ...['policy:', '  - id: lab', '    algorithm: ecdsap256sha256', '    single-type-signing: on'],
    ...['zone:', ...entries, ''],
  ].join('\n');
}
