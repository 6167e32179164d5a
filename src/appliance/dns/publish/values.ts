// Single values that other parts of the program publish temporarily: ACME challenges, standby keys. They take the
// same route as all records, keep foreign records at the name, and are verified at every server.

import { MailctlError } from '../../../errors.ts';
import { pollUntil } from '../../../host/clock.ts';
import {
  type Authorities,
  findAuthorities,
  type RecordType,
  readResolvers,
} from '../../../host/dns.ts';
import type { Host } from '../../../host/host.ts';
import type { Appliance } from '../../appliance.ts';
import { type OpenState, openState } from '../../container/state-file.ts';
import { requireNoObstacle } from './change.ts';
import { hasValue, type PresentSet, readSet, setKey } from './present.ts';
import { readProvider, requireOwnZone } from './provider.ts';
import { publish } from './publish.ts';
import { routeChanges, type ZoneChange } from './route.ts';
import { DNS_STATE, type DnsState, withoutValues, withValues } from './state.ts';
import { waitVisible } from './visible.ts';

export interface PublishedValue {
  /** Fully qualified, lower case, without the final dot. */
  readonly name: string;
  readonly type: RecordType;
  readonly value: string;
}

export interface ValueOptions {
  /** Milliseconds to wait until every authoritative server shows it; default: five minutes. */
  readonly timeout?: number;
  /** TTL in seconds; default: one minute. */
  readonly ttl?: number;
  /** The state as the operation has read it; default: read here. */
  readonly dns?: OpenState<DnsState>;
}

const TIMEOUT_MS = 300_000;
const TTL = 60;

/** Waits while the servers disagree: an earlier change may not have reached all of them. */
async function readSettledSet(
  host: Host,
  authorities: Authorities,
  { wanted, timeout }: { wanted: PublishedValue; timeout: number },
): Promise<PresentSet> {
  let last: MailctlError | null = null;
  const set = await pollUntil(host.clock, { timeout, interval: 2000 }, async () => {
    try {
      return (await readSet(authorities, wanted)).set;
    } catch (error) {
      if (!(error instanceof MailctlError) || error.code !== 'DNS_DISAGREES') throw error;
      last = error;
      return null;
    }
  });
  if (set !== null) return set;
  throw last ?? new Error('no answer and no error');
}

async function locate(
  host: Host,
  { settings }: Appliance,
  { wanted, timeout }: { wanted: PublishedValue; timeout: number },
): Promise<{ authorities: Authorities; set: PresentSet }> {
  const resolvers = await readResolvers(host, settings.dns.resolver);
  const authorities = await findAuthorities(resolvers, wanted.name);
  const set = await readSettledSet(host, authorities, { wanted, timeout });
  if (set.alias === null) return { authorities, set };
  throw new MailctlError('DNS_BY_HAND', `${wanted.name} is a CNAME of ${set.alias}`, {
    hint: `remove the CNAME record of ${wanted.name}, then repeat the command`,
  });
}

interface Located {
  readonly wanted: PublishedValue;
  readonly authorities: Authorities;
  readonly set: PresentSet;
}

/** Joins the changes of each record set into one. */
function joinChanges(changes: readonly ZoneChange[]): ZoneChange[] {
  const joined = new Map<string, ZoneChange>();
  for (const change of changes) {
    const before = joined.get(setKey(change));
    const add = [...(before?.add ?? []), ...change.add];
    const remove = [...(before?.remove ?? []), ...change.remove];
    joined.set(setKey(change), { ...change, add, remove });
  }
  return [...joined.values()];
}

async function change(
  host: Host,
  target: Appliance,
  { planned, timeout }: { planned: readonly ZoneChange[]; timeout: number },
): Promise<void> {
  if (planned.length === 0) return;
  const provider = await readProvider(host, target.settings);
  for (const { name, authorities } of planned) {
    await requireOwnZone(host, provider, { zone: authorities.zone, name });
  }
  const { routes, obstacles } = routeChanges(provider, joinChanges(planned));
  requireNoObstacle({ obstacles }, 'make these changes by hand, then repeat the command');
  await publish(host, provider, { routes, timeout });
}

function plannedChange(
  { wanted, authorities, set }: Located,
  rest: Pick<ZoneChange, 'add' | 'remove' | 'ttl' | 'purpose'>,
): ZoneChange {
  const before = set.values.map(({ value }) => value);
  return { name: wanted.name, type: wanted.type, authorities, before, ...rest };
}

/**
 * Publishes values beside the records at their names, until `removeValues`. Returns when every authoritative
 * server shows them; a no-op if they already do. The caller holds the appliance's lock.
 * Throws DNS_NOT_VISIBLE after the timeout; DNS_BY_HAND if the change would harm foreign records.
 */
export async function publishValues(
  host: Host,
  target: Appliance,
  values: readonly PublishedValue[],
  { timeout = TIMEOUT_MS, ttl = TTL, dns }: ValueOptions = {},
): Promise<void> {
  const memory = dns ?? (await openState(host, target.paths, DNS_STATE));
  const located: Located[] = [];
  for (const wanted of values) {
    located.push({ wanted, ...(await locate(host, target, { wanted, timeout })) });
  }
  const own = (one: Located) => ({ ...one.wanted, made: true, held: true });
  const there = located.filter(({ set, wanted }) => hasValue(set, wanted.value));
  const missing = located.filter((one) => !there.includes(one));
  if (missing.length > 0) {
    // stored first: after an interruption the values are still known as published by mailctl
    await memory.write(withValues(memory.current, missing.map(own)));
    const planned = missing.map((one) =>
      plannedChange(one, { add: [one.wanted.value], remove: [], ttl, purpose: 'temporary' }),
    );
    await change(host, target, { planned, timeout });
  }
  if (there.length === 0) return;
  const expectations = there.map(({ wanted: { name, type, value }, authorities }) => ({
    ...{ name, type, authorities },
    ...{ has: [value], hasNot: [], keeps: [] },
  }));
  const { pending } = await waitVisible(host, expectations, { timeout });
  const lacking = pending.flatMap(({ lacks, expectation }) =>
    lacks.map((lack) => `${setKey(expectation)}: ${lack}`),
  );
  if (lacking.length > 0) throw new MailctlError('DNS_NOT_VISIBLE', lacking.join('; '));
  await memory.write(withValues(memory.current, there.map(own)));
}

/**
 * Removes values; foreign records at their names stay. Returns when no authoritative server shows them.
 * Throws as `publishValues` does.
 */
export async function removeValues(
  host: Host,
  target: Appliance,
  values: readonly PublishedValue[],
  { timeout = TIMEOUT_MS, dns }: ValueOptions = {},
): Promise<void> {
  const memory = dns ?? (await openState(host, target.paths, DNS_STATE));
  const planned: ZoneChange[] = [];
  for (const wanted of values) {
    const located = { wanted, ...(await locate(host, target, { wanted, timeout })) };
    if (!hasValue(located.set, wanted.value)) continue;
    const remove = [wanted.value];
    planned.push(
      plannedChange(located, { add: [], remove, ttl: TTL, purpose: 'no longer needed' }),
    );
  }
  await change(host, target, { planned, timeout });
  await memory.write(withoutValues(memory.current, values));
}
