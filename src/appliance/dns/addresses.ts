// Updates the server's own A and AAAA records to the addresses of the WAN interface, once dns-setup has published
// them. Other records are not touched. As in dns-setup, the change is planned, published and verified at every server.

import { readResolvers } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { openState } from '../container/state-file.ts';
import { type Addresses, followEntries, isOwnAddress } from './moved.ts';
import { readProvider, requireOwnZone } from './publish/provider.ts';
import { publish } from './publish/publish.ts';
import { DNS_STATE, readDnsState, withoutValues, withValues } from './publish/state.ts';
import { addressRecords } from './records.ts';
import { adopted, journalEntries, planFrom, type SetupPlan } from './setup.ts';
import { findZones, readZones, zoneOfName } from './zones.ts';

/** A plan for the A and AAAA records of the hostname only. Throws as `planSetup` does. */
export async function planAddresses(
  host: Host,
  target: Appliance,
  wanted: Addresses,
): Promise<SetupPlan> {
  const { settings, paths } = target;
  const { hostname } = settings.main;
  const provider = await readProvider(host, settings);
  const state = await readDnsState(host, paths);
  const resolvers = await readResolvers(host, settings.dns.resolver);
  const found = await findZones(resolvers, [hostname]);
  const zone = zoneOfName(found, hostname)?.zone ?? '.';
  await requireOwnZone(host, provider, { zone, name: hostname });
  const own = state.values.filter((value) => isOwnAddress(value, hostname));
  const records = addressRecords(hostname, wanted);
  const zones = await readZones(resolvers, found, { wanted: records, more: own });
  return planFrom({ provider, state: { ...state, values: own }, zones }, settings.dns.ttl);
}

/**
 * Publishes the plan and verifies it. After an interruption, the next run completes it.
 * @param timeout milliseconds to wait for the authoritative servers
 * Throws as `applySetup` does.
 */
export async function publishAddresses(
  host: Host,
  target: Appliance,
  { plan, timeout }: { plan: SetupPlan; timeout: number },
): Promise<void> {
  const { settings, paths } = target;
  const memory = await openState(host, paths, DNS_STATE);
  const before = memory.current;
  const values = withValues(before, adopted(plan));
  const changes = journalEntries(plan.routes);
  const entries = followEntries(before.last?.entries ?? [], changes);
  const last = before.last === null ? null : { ...before.last, entries };
  await memory.write({ ...values, last, moving: true });
  if (plan.routes.length > 0) {
    await publish(host, await readProvider(host, settings), { routes: plan.routes, timeout });
  }
  const wanted = new Set(plan.zones.flatMap((zone) => zone.wanted.map(({ value }) => value)));
  const { hostname } = settings.main;
  const old = values.values.filter((own) => isOwnAddress(own, hostname) && !wanted.has(own.value));
  const { moving: _, ...rest } = withoutValues(values, old);
  await memory.write({ ...rest, last });
}
