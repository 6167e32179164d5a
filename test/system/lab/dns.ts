// DNS of the outside world: one server for the root, the TLDs and all zones below, signed, and changeable at run time.
// No other name resolves.

import { type Knot, type Place, startKnot } from './knot.ts';
import { waitFor } from './programs.ts';
import { NAME_SERVER, type Zone } from './zones.ts';

export interface LabDns {
  address: string;
  /** `DS` line of the root's key, for a validating resolver. */
  trustAnchor: string;
  /** Makes `values` the whole record set. The names end in a dot; no values removes the set. */
  publish(name: string, type: string, values: string[], ttl?: number): Promise<void>;
  /** The current values at the server, in presentation format. */
  lookup(name: string, type: string): Promise<string[]>;
  /** Adds a domain: below `test.`, or below `example.` for one whose signatures the resolver validates. */
  addZone(name: string, records: string[]): Promise<void>;
  /** Stops the server from answering, and lets it answer again. */
  pause(): void;
  resume(): void;
}

export async function startDns(place: Place, zones: Zone[]): Promise<LabDns> {
  const known = [...zones];
  const knot = await startKnot(place, known);
  for (const zone of known) await publishDs(knot, zone);
  return {
    address: place.address,
    trustAnchor: (await knot.dsRecords('.')).join('\n'),
    publish: (name, type, values, ttl = 30) =>
      publish(knot, zoneOf(known, name), { name, type, values, ttl }),
    lookup: knot.lookup,
    addZone: async (name, records) => {
      const zone = { name, parent: zoneOf(known, name), records };
      known.push(zone);
      await publish(knot, zone.parent, { name, type: 'NS', values: [NAME_SERVER], ttl: 30 });
      await knot.serve(known);
      await waitFor(name, async () => (await knot.lookup(name, 'SOA'))[0]);
      await publishDs(knot, zone);
    },
    pause: () => knot.signal('SIGSTOP'),
    resume: () => knot.signal('SIGCONT'),
  };
}

interface RecordSet {
  name: string;
  type: string;
  values: string[];
  ttl: number;
}

const zoneOf = (zones: Zone[], owner: string): string =>
  zones
    .map(({ name }) => name)
    .filter((name) => owner === name || owner.endsWith(`.${name}`))
    .reduce((longest, name) => (name.length > longest.length ? name : longest), '.');

async function publish(knot: Knot, zone: string, set: RecordSet): Promise<void> {
  const present = await knot.lookup(set.name, set.type);
  await knot.control('zone-begin', zone);
  if (present.length > 0) await knot.control('zone-unset', zone, set.name, set.type);
  for (const value of set.values) {
    await knot.control('zone-set', zone, set.name, String(set.ttl), set.type, value);
  }
  await knot.control('zone-commit', zone);
}

async function publishDs(knot: Knot, zone: Zone): Promise<void> {
  if (zone.parent === null) return;
  const values = (await knot.dsRecords(zone.name)).map((line) => line.replace(/^.* DS /, ''));
  await publish(knot, zone.parent, { name: zone.name, type: 'DS', values, ttl: 30 });
}
