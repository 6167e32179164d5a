// dns-setup: plans the difference between the wanted records and those of the authoritative servers, publishes and
// verifies it, and keeps a journal, so that a setup can be undone, or completed after an interruption.

import { MailctlError } from '../../errors.ts';
import { readResolvers } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import { mailDomains } from '../accounts/accounts.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import type { Change } from '../apply/changes.ts';
import { openState } from '../container/state-file.ts';
import { NOTICES, withPublished } from '../tls/notices.ts';
import { readRecordFacts } from './facts.ts';
import { type Knowledge, planRecords } from './plan.ts';
import { requirePublic } from './public-address.ts';
import type { Obstacle, SetChange } from './publish/change.ts';
import { formatRecord } from './publish/change.ts';
import { hasValue, setKey } from './publish/present.ts';
import { type Provider, readProvider, requireOwnZone } from './publish/provider.ts';
import { publish } from './publish/publish.ts';
import { type Route, routeChanges, type ZoneChange } from './publish/route.ts';
import {
  DNS_STATE,
  type DnsState,
  type JournalEntry,
  joinJournals,
  type OwnValue,
  readDnsState,
  withoutValues,
  withValues,
} from './publish/state.ts';
import { wantedRecords } from './records.ts';
import { isSpf } from './spf.ts';
import { staleChanges } from './stale.ts';
import { findZones, readZones, type ZoneView, zoneOfName } from './zones.ts';

export interface SetupPlan {
  /** Changes that mailctl can publish. */
  readonly routes: readonly Route[];
  /** What the operator has to do first. */
  readonly obstacles: readonly Obstacle[];
  /** Changes that the provider's interfaces cannot make; the rest is published without them. */
  readonly byHand: readonly Obstacle[];
  readonly notes: readonly string[];
  readonly zones: readonly ZoneView[];
}

export function knowledgeOf(state: DnsState, ttl: number): Knowledge {
  return {
    ttl,
    isOurs: ({ name, type }, value) =>
      state.values.some(
        (own) => own.name === name && own.type === type && own.value === value && !own.held,
      ),
    lostSpf: (name) => {
      if (state.last === null || state.last.finished) return null;
      const entry = state.last.entries.find((one) => one.name === name && one.type === 'TXT');
      return entry?.removed.find(isSpf) ?? null;
    },
  };
}

/** The named mail domains, or all if none is named. Throws DOMAIN_UNKNOWN. */
export async function chooseDomains(
  host: Host,
  target: Appliance,
  named: readonly MailDomain[],
): Promise<readonly MailDomain[]> {
  const all = await mailDomains(host, target);
  const unknown = named.find((domain) => !all.includes(domain));
  if (unknown === undefined) return named.length > 0 ? named : all;
  throw new MailctlError('DOMAIN_UNKNOWN', `${unknown} is not a mail domain here`, {
    hint: 'mailctl domain list',
  });
}

export interface Situation {
  readonly provider: Provider;
  readonly state: DnsState;
  readonly zones: readonly ZoneView[];
}

async function lookAround(
  host: Host,
  target: Appliance,
  named: readonly MailDomain[],
): Promise<Situation> {
  const { settings, paths } = target;
  const provider = await readProvider(host, settings);
  const domains = await chooseDomains(host, target, named);
  const facts = await readRecordFacts(host, target, domains);
  requirePublic(facts.addresses);
  const state = await readDnsState(host, paths);
  const resolvers = await readResolvers(host, settings.dns.resolver);
  const names = [...domains, settings.main.hostname];
  const found = await findZones(resolvers, names);
  for (const name of names) {
    const zone = zoneOfName(found, name)?.zone ?? '.';
    await requireOwnZone(host, provider, { zone, name });
  }
  // with named domains, the records of the other domains are still wanted, although not read
  const more = named.length > 0 ? [] : state.values.filter(({ made, held }) => made && !held);
  const wanted = wantedRecords(facts);
  return { provider, state, zones: await readZones(resolvers, found, { wanted, more }) };
}

/**
 * Read-only. Throws ADDRESS_UNKNOWN, DNS_UNREACHABLE, DNS_DISAGREES, DNS_ZONE_UNFIT, DNS_PROVIDER_UNFIT,
 * PROGRAM_MISSING.
 */
export async function planSetup(
  host: Host,
  target: Appliance,
  named: readonly MailDomain[] = [],
): Promise<SetupPlan> {
  return planFrom(await lookAround(host, target, named), target.settings.dns.ttl);
}

export function planFrom({ provider, state, zones }: Situation, ttl: number): SetupPlan {
  const known = knowledgeOf(state, ttl);
  const plans = zones.map((zone) => ({
    zone,
    plan: planRecords(zone.wanted, zone.present, known),
    stale: staleChanges(zone, state, ttl),
  }));
  const inZone = (changes: readonly SetChange[], { authorities }: ZoneView): ZoneChange[] =>
    changes.map((change) => ({ ...change, authorities }));
  const changes = plans.flatMap(({ zone, plan }) => inZone(plan.changes, zone));
  const leftovers = plans.flatMap(({ zone, stale }) => inZone(stale, zone));
  const due = routeChanges(provider, changes);
  const stale = routeChanges(provider, leftovers);
  return {
    routes: [...due.routes, ...stale.routes],
    obstacles: plans.flatMap(({ plan }) => plan.obstacles),
    byHand: due.obstacles,
    notes: [
      ...plans.flatMap(({ plan }) => plan.notes),
      ...zones.flatMap(({ problems }) => problems),
      ...stale.obstacles.map(({ reason, byHand }) => `no longer needed: ${byHand[0]} (${reason})`),
    ],
    zones,
  };
}

export function journalEntries(routes: readonly Route[]): JournalEntry[] {
  return routes.map(({ change }) => {
    const { name, type, ttl, add, remove, authorities } = change;
    return { name, type, ttl, zone: authorities.zone, added: add, removed: remove };
  });
}

/** The wanted values that are published: mailctl's own from now on, including those published by hand. */
export function adopted(plan: SetupPlan): OwnValue[] {
  const made = new Set(
    plan.routes.flatMap(({ change }) => change.add.map((value) => `${setKey(change)} ${value}`)),
  );
  return plan.zones.flatMap(({ wanted, present }) =>
    wanted.flatMap((record): OwnValue[] => {
      const { name, type, value } = record;
      const isMade = made.has(`${setKey(record)} ${value}`);
      if (!isMade && !hasValue(present.get(setKey(record)), value)) return [];
      return [{ name, type, value, made: isMade }];
    }),
  );
}

/**
 * Publishes the plan's routes and verifies them. After an interruption, the next run completes them.
 * @param timeout milliseconds to wait for the authoritative servers
 * Throws DNS_NOT_VISIBLE, DNS_BY_HAND, DNS_DISAGREES, PROGRAM_FAILED, TIMED_OUT.
 */
export async function applySetup(
  host: Host,
  target: Appliance,
  { plan, timeout }: { plan: SetupPlan; timeout: number },
): Promise<void> {
  const { settings, paths } = target;
  const memory = await openState(host, paths, DNS_STATE);
  const before = memory.current;
  const removed = plan.routes.flatMap(({ change }) =>
    change.remove.map((value) => ({ name: change.name, type: change.type, value })),
  );
  const values = withValues(before, adopted(plan));
  const isIdle = plan.routes.length === 0;
  if (isIdle && (before.last === null || before.last.finished)) {
    // only adopted values: written if they are new, so that a second run is a no-op
    if (JSON.stringify(values) !== JSON.stringify(before)) await memory.write(values);
    return;
  }
  const entries = joinJournals(before.last, journalEntries(plan.routes));
  const last = { at: host.clock.now().toISOString(), finished: false, entries };
  await memory.write({ ...values, last });
  if (!isIdle) {
    await publish(host, await readProvider(host, settings), { routes: plan.routes, timeout });
  }
  await noteTlsa(host, target, plan.routes);
  const state = withoutValues(values, removed);
  await memory.write({ ...state, last: { ...last, finished: true } });
}

/** Stores when TLSA records were published: a new key is used only some time after that. */
async function noteTlsa(host: Host, { paths }: Appliance, routes: readonly Route[]): Promise<void> {
  const keys = routes.filter(({ change }) => change.type === 'TLSA' && change.add.length > 0);
  if (keys.length === 0) return;
  const notices = await openState(host, paths, NOTICES);
  for (const { change } of keys) {
    const digests = change.add.map((value) => value.slice(value.lastIndexOf(' ') + 1));
    const published = { digests, first: change.before.length === 0 };
    await notices.write(withPublished(notices.current, published, host.clock.now()));
  }
}

/** The plan in the form that `plan` and `apply` print. */
export function describeRoutes(routes: readonly Route[]): Change[] {
  return routes.map(({ change }) => {
    const after = [...change.before.filter((one) => !change.remove.includes(one)), ...change.add];
    const text = (values: readonly string[]) =>
      values.map((value) => `${formatRecord(change, value, change.ttl)}\n`).join('');
    const action = change.before.length === 0 ? 'add' : after.length === 0 ? 'remove' : 'change';
    return {
      what: 'record',
      name: setKey(change),
      action,
      effect: { none: true },
      before: text(change.before),
      after: text(after),
    };
  });
}

/** The plan as lines of a zone file, each with `+` or `-`. */
export function formatRoutes(routes: readonly Route[]): string[] {
  if (routes.length === 0) return ['nothing to change'];
  return routes.flatMap(({ change }) => [
    ...change.remove.map((value) => `- ${formatRecord(change, value, change.ttl)}`),
    ...change.add.map((value) => `+ ${formatRecord(change, value, change.ttl)}`),
  ]);
}
