// Publishes changes by the provider's way and proves them at every authoritative server. What the
// provider says of itself is only ever quoted, never believed.

import { MailctlError } from '../../../errors.ts';
import type { Authorities } from '../../../host/dns.ts';
import { runDnsctl } from '../../../host/dnsctl.ts';
import type { Host } from '../../../host/host.ts';
import { runNsupdate, type UpdateLine } from '../../../host/nsupdate.ts';
import type { Obstacle, SetChange } from './change.ts';
import { formatRecord, quoteTxt } from './change.ts';
import { relativeName } from './names.ts';
import { readSet, setKey } from './present.ts';
import type { Provider } from './provider.ts';
import { type Step, stepsFor } from './steps.ts';
import { type Expectation, type Sight, waitVisible } from './visible.ts';

export interface ZoneChange extends SetChange {
  readonly authorities: Authorities;
}

export interface Route {
  readonly change: ZoneChange;
  /** Empty for rfc2136, which changes a whole zone at once. */
  readonly steps: readonly Step[];
}

/** Splits changes into those that the provider's way can make without harm, and obstacles. */
export function routeChanges(
  provider: Provider,
  changes: readonly ZoneChange[],
): { routes: Route[]; obstacles: Obstacle[] } {
  const routes: Route[] = [];
  const obstacles: Obstacle[] = [];
  for (const change of changes) {
    if (provider.kind === 'rfc2136') {
      routes.push({ change, steps: [] });
      continue;
    }
    const way = stepsFor(provider.manners, change);
    if (way.steps !== null) routes.push({ change, steps: way.steps });
    else obstacles.push(byHand(change, way.reason));
  }
  return { routes, obstacles };
}

function byHand(change: SetChange, reason: string): Obstacle {
  const { name, type, before, add, remove, ttl } = change;
  const line = (value: string) => formatRecord(change, value, ttl);
  const kept = before.filter((value) => !remove.includes(value));
  return {
    ...{ name, type, reason },
    byHand: [
      ...remove.map((value) => `remove   ${line(value)}`),
      ...add.map((value) => `publish  ${line(value)}`),
      ...kept.map((value) => `keep     ${line(value)}`),
    ],
  };
}

/** A person may have thought about the plan for a while. Throws DNS_DISAGREES. */
async function requireUnchanged({ change }: Route): Promise<void> {
  const { set } = await readSet(change.authorities, change);
  const now = set.values.map(({ value }) => value);
  const same =
    now.length === change.before.length && now.every((one) => change.before.includes(one));
  // a wildcard's answer was taken out of `before`
  if (same || change.before.length === 0) return;
  throw new MailctlError(
    'DNS_DISAGREES',
    `${setKey(change)} was changed meanwhile by somebody else`,
    {
      hint: 'repeat the command: it looks again before it does anything',
    },
  );
}

async function runStep(host: Host, { change }: Route, step: Step): Promise<string> {
  const { authorities, name, type, ttl } = change;
  const { zone } = authorities;
  const sub = relativeName(name, zone);
  const { verb, value } = step;
  const what = verb === 'rm' ? 'removing' : verb === 'add' ? 'publishing' : 'replacing';
  host.say(`${what} ${setKey(change)}`);
  try {
    const call = { verb, zone, type, sub };
    return await runDnsctl(host, { ...call, ...(value === undefined ? {} : { value, ttl }) });
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'TIMED_OUT') throw error;
    throw new MailctlError('TIMED_OUT', `${error.message}, at ${setKey(change)}`, {
      hint: 'mailctl dns-check   (what is published), then repeat the command: it goes on',
      cause: error,
    });
  }
}

function updateLines({ change }: Route): UpdateLine[] {
  const { name, type, ttl } = change;
  const data = (value: string) => (type === 'TXT' ? quoteTxt(value) : value);
  const line = (action: 'add' | 'delete') => (value: string) => ({
    ...{ action, name, type, ttl },
    data: data(value),
  });
  return [...change.remove.map(line('delete')), ...change.add.map(line('add'))];
}

async function updateZones(
  host: Host,
  provider: Extract<Provider, { kind: 'rfc2136' }>,
  routes: readonly Route[],
): Promise<void> {
  const zones = new Set(routes.map(({ change }) => change.authorities.zone));
  for (const zone of zones) {
    const here = routes.filter(({ change }) => change.authorities.zone === zone);
    host.say(`updating ${here.length} record sets of ${zone}`);
    await runNsupdate(host, provider.server, { zone, lines: here.flatMap(updateLines) });
  }
}

function expectationOf({ change }: Route): Expectation {
  const { authorities, name, type, add, remove, before } = change;
  const keeps = before.filter((value) => !remove.includes(value));
  return { ...{ authorities, name, type, keeps }, has: add, hasNot: remove };
}

const MEND_AFTER_MS = 10_000;

/**
 * An update that is a removal and an addition may have stopped half way; what then is missing is added
 * once more, since nothing is there that could be harmed.
 */
function mender(host: Host, routes: readonly Route[], words: Map<string, string>) {
  const since = host.clock.now().getTime();
  const mended = new Set<Route>();
  return async (pending: readonly Sight[]) => {
    if (host.clock.now().getTime() - since < MEND_AFTER_MS) return;
    for (const { isEmpty, lacks, servers, expectation } of pending) {
      const route = routes.find(({ change }) => setKey(change) === setKey(expectation));
      if (route === undefined || mended.has(route) || !isEmpty || lacks.length < servers) continue;
      if (route.steps.length === 0 || route.change.before.length === 0) continue;
      mended.add(route);
      for (const value of route.change.add) {
        words.set(setKey(route.change), await runStep(host, route, { verb: 'add', value }));
      }
    }
  };
}

function explainPending(pending: readonly Sight[], words: Map<string, string>): string {
  const places = new Map<string, string[]>();
  for (const { expectation, lacks, showing, servers } of pending) {
    const where = `visible at ${showing} of ${servers} servers (${lacks.join('; ')})`;
    places.set(where, [...(places.get(where) ?? []), setKey(expectation)]);
  }
  const lines = [...places].map(([where, names]) => `${names.join(', ')}: ${where}`);
  const unseen = pending.filter(({ showing }) => showing === 0);
  const said = unseen.map(({ expectation }) => words.get(setKey(expectation)) ?? '').find(Boolean);
  const quote = said === undefined ? [] : [`dnsctl’s last words, which prove nothing: ${said}`];
  return ['not every authoritative server shows the records yet:', ...lines, ...quote].join('\n');
}

function requireDone(
  routes: readonly Route[],
  { pending, lost }: { pending: readonly Sight[]; lost: readonly Sight[] },
  words: Map<string, string>,
): void {
  if (lost.length > 0) {
    const lines = lost.flatMap(({ expectation, lost: values }) => {
      const ttl = routes.find(({ change }) => setKey(change) === setKey(expectation))?.change.ttl;
      return values.map((value) => `publish  ${formatRecord(expectation, value, ttl ?? 3600)}`);
    });
    throw new MailctlError(
      'DNS_BY_HAND',
      `records that are not ours have vanished, although nothing was done to them:\n${lines.join('\n')}`,
      { hint: "publish them again at the provider's own web page" },
    );
  }
  if (pending.length === 0) return;
  throw new MailctlError('DNS_NOT_VISIBLE', explainPending(pending, words), {
    hint: 'repeat the command later: it goes on where this one stopped; mailctl dns-check shows what there is',
  });
}

/**
 * Makes the changes and waits until every server shows them.
 * @param timeout milliseconds to wait for the servers
 * Throws DNS_NOT_VISIBLE when the time is over; DNS_BY_HAND when records of others have vanished.
 */
export async function publish(
  host: Host,
  provider: Provider,
  { routes, timeout }: { routes: readonly Route[]; timeout: number },
): Promise<void> {
  for (const route of routes) await requireUnchanged(route);
  const words = new Map<string, string>();
  if (provider.kind === 'rfc2136') {
    await updateZones(host, provider, routes);
  } else {
    for (const route of routes) {
      for (const step of route.steps) {
        words.set(setKey(route.change), await runStep(host, route, step));
      }
    }
  }
  const onRound = provider.kind === 'dnsctl' ? mender(host, routes, words) : undefined;
  const outcome = await waitVisible(host, routes.map(expectationOf), {
    timeout,
    ...(onRound === undefined ? {} : { onRound }),
  });
  requireDone(routes, outcome, words);
}
