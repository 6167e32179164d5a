// Single values that other parts of the program publish for a while: ACME challenges, keys in waiting. They
// go the same way as everything else, keep what others have at the name, and are proved at every server.

import { MailctlError } from '../../errors.ts';
import { pollUntil } from '../../host/clock.ts';
import {
  type Authorities,
  findAuthorities,
  type RecordType,
  readResolvers,
} from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import type { DnsTarget } from './facts.ts';
import { type PresentSet, readSet, setKey } from './present.ts';
import { readProvider, requireOwnZone } from './provider.ts';
import { publish, routeChanges, type ZoneChange } from './publish.ts';
import { requireNoObstacle } from './setup.ts';
import { readDnsState, withoutValues, withValues, writeDnsState } from './state.ts';
import { waitVisible } from './visible.ts';

export interface PublishedValue {
  /** Fully qualified, lower case, without the final dot. */
  readonly name: string;
  readonly type: RecordType;
  readonly value: string;
}

export interface ValueOptions {
  /** Milliseconds to wait until every authoritative server shows it; five minutes unless told. */
  readonly timeout?: number;
  /** Seconds that resolvers may keep it; one minute unless told. */
  readonly ttl?: number;
}

const TIMEOUT_MS = 300_000;
const TTL = 60;

/** Waits out a change that has not reached all servers yet, since a second one often follows a first. */
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
  { settings }: DnsTarget,
  { wanted, timeout }: { wanted: PublishedValue; timeout: number },
): Promise<{ authorities: Authorities; set: PresentSet }> {
  const resolvers = await readResolvers(host, settings.dns.resolver);
  const authorities = await findAuthorities(resolvers, wanted.name);
  const set = await readSettledSet(host, authorities, { wanted, timeout });
  if (set.alias === null) return { authorities, set };
  throw new MailctlError('DNS_BY_HAND', `${wanted.name} is an alias (CNAME) of ${set.alias}`, {
    hint: `remove the CNAME record of ${wanted.name}, then repeat the command`,
  });
}

async function change(
  host: Host,
  target: DnsTarget,
  { planned, timeout }: { planned: ZoneChange; timeout: number },
): Promise<void> {
  const provider = await readProvider(host, target.settings);
  const { name, authorities } = planned;
  await requireOwnZone(host, provider, { zone: authorities.zone, name });
  const { routes, obstacles } = routeChanges(provider, [planned]);
  requireNoObstacle({ obstacles }, `do it by hand, then repeat the command`);
  await publish(host, provider, { routes, timeout });
}

/**
 * Publishes a value beside what is at the name already, until `removeValue`. Done when every authoritative
 * server shows it; nothing is changed when they do. The caller holds the appliance's lock.
 * Throws DNS_NOT_VISIBLE when the time is over; DNS_BY_HAND when the provider's way would harm others.
 */
export async function publishValue(
  host: Host,
  target: DnsTarget,
  wanted: PublishedValue,
  options: ValueOptions = {},
): Promise<void> {
  const { name, type, value } = wanted;
  const { timeout = TIMEOUT_MS, ttl = TTL } = options;
  const own = { name, type, value, made: true, held: true };
  const { authorities, set } = await locate(host, target, { wanted, timeout });
  const before = set.values.map((present) => present.value);
  const state = await readDnsState(host, target.paths);
  if (!before.includes(value)) {
    // remembered first: whatever happens now, it is known to be ours
    await writeDnsState(host, target.paths, withValues(state, [own]));
    const add = [value];
    const planned = { ...{ name, type, authorities, before, add, remove: [] }, ttl };
    await change(host, target, { planned: { ...planned, purpose: 'for a while' }, timeout });
    return;
  }
  const expectation = { ...{ name, type, authorities }, has: [value], hasNot: [], keeps: [] };
  const { pending } = await waitVisible(host, [expectation], { timeout });
  const lacking = pending.flatMap(({ lacks }) => lacks);
  if (lacking.length > 0) {
    throw new MailctlError('DNS_NOT_VISIBLE', `${setKey(wanted)}: ${lacking.join('; ')}`);
  }
  await writeDnsState(host, target.paths, withValues(state, [own]));
}

/**
 * Takes a value back; what others have at the name stays. Done when no authoritative server shows it.
 * Throws as `publishValue` does.
 */
export async function removeValue(
  host: Host,
  target: DnsTarget,
  unwanted: PublishedValue,
  { timeout = TIMEOUT_MS }: ValueOptions = {},
): Promise<void> {
  const { name, type, value } = unwanted;
  const { authorities, set } = await locate(host, target, { wanted: unwanted, timeout });
  const before = set.values.map((present) => present.value);
  if (before.includes(value)) {
    const remove = [value];
    const planned = { ...{ name, type, authorities, before, add: [], remove }, ttl: TTL };
    await change(host, target, { planned: { ...planned, purpose: 'no longer needed' }, timeout });
  }
  const state = await readDnsState(host, target.paths);
  await writeDnsState(host, target.paths, withoutValues(state, [unwanted]));
}

/** A TXT value; `value` is the text itself, without quotes, of any length. */
export function publishTxt(
  host: Host,
  target: DnsTarget,
  { name, value, ...options }: { name: string; value: string } & ValueOptions,
): Promise<void> {
  return publishValue(host, target, { name, type: 'TXT', value }, options);
}

export function removeTxt(
  host: Host,
  target: DnsTarget,
  { name, value, ...options }: { name: string; value: string } & ValueOptions,
): Promise<void> {
  return removeValue(host, target, { name, type: 'TXT', value }, options);
}
