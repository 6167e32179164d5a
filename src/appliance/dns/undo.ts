// Undoes the last setup: removes the records that it added and restores those that it removed. Records that another
// party has changed since then are kept.

import { MailctlError } from '../../errors.ts';
import { findAuthorities, readResolvers } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { openState } from '../container/state-file.ts';
import { hasValue, readSet, setKey } from './publish/present.ts';
import { readProvider } from './publish/provider.ts';
import { publish } from './publish/publish.ts';
import { routeChanges, type ZoneChange } from './publish/route.ts';
import {
  DNS_STATE,
  type DnsState,
  type JournalEntry,
  readDnsState,
  withoutValues,
} from './publish/state.ts';
import type { SetupPlan } from './setup.ts';

/** A TLSA record of a standby key alone would make senders refuse delivery (RFC 7671 8.1): it is removed too. */
function alsoTaken(entry: JournalEntry, state: DnsState): string[] {
  if (entry.type !== 'TLSA') return [];
  const own = state.values.filter((value) => value.made && setKey(value) === setKey(entry));
  return own.map(({ value }) => value);
}

async function planEntry(
  entry: JournalEntry,
  state: DnsState,
  change: ZoneChange,
): Promise<ZoneChange | null> {
  const { set } = await readSet(change.authorities, entry);
  const taken = new Set([...entry.added, ...alsoTaken(entry, state)]);
  const remove = [...taken].filter((value) => hasValue(set, value));
  const add = entry.removed.filter((value) => !hasValue(set, value));
  if (add.length + remove.length === 0) return null;
  return { ...change, before: set.values.map(({ value }) => value), add, remove };
}

/** null if there is no setup to undo. */
export async function planUndo(host: Host, target: Appliance): Promise<SetupPlan | null> {
  const { settings, paths } = target;
  const state = await readDnsState(host, paths);
  const { last } = state;
  if (last === null) return null;
  const provider = await readProvider(host, settings);
  const resolvers = await readResolvers(host, settings.dns.resolver);
  const zones = new Map<string, ZoneChange['authorities']>();
  const changes: ZoneChange[] = [];
  for (const entry of last.entries) {
    const authorities = zones.get(entry.zone) ?? (await findAuthorities(resolvers, entry.zone));
    zones.set(entry.zone, authorities);
    const { name, type, ttl } = entry;
    const change = { ...{ name, type, ttl, authorities }, purpose: 'as before' };
    const planned = await planEntry(entry, state, { ...change, before: [], add: [], remove: [] });
    if (planned !== null) changes.push(planned);
  }
  const { routes, obstacles } = routeChanges(provider, changes);
  return { routes, obstacles: [], byHand: obstacles, notes: [], zones: [] };
}

/**
 * Throws as `publish` does; the journal is kept then, and the undo can be repeated. Changes left to do by hand
 * stay in the journal, too.
 */
export async function applyUndo(
  host: Host,
  target: Appliance,
  { plan, timeout }: { plan: SetupPlan; timeout: number },
): Promise<void> {
  const { settings, paths } = target;
  const { routes } = plan;
  if (routes.length > 0) {
    await publish(host, await readProvider(host, settings), { routes, timeout });
  }
  const memory = await openState(host, paths, DNS_STATE);
  const state = memory.current;
  if (state.last === null)
    throw new MailctlError('DATA_INVALID', 'there is no journal of the last setup');
  const isLeft = (entry: JournalEntry) => plan.byHand.some((one) => setKey(one) === setKey(entry));
  const left = state.last.entries.filter(isLeft);
  const removed = state.last.entries
    .filter((entry) => !isLeft(entry))
    .flatMap(({ name, type, added }) => added.map((value) => ({ name, type, value })));
  const taken = routes.flatMap(({ change: { name, type, remove } }) =>
    remove.map((value) => ({ name, type, value })),
  );
  const last = left.length === 0 ? null : { ...state.last, entries: left };
  await memory.write({ ...withoutValues(state, [...removed, ...taken]), last });
}
