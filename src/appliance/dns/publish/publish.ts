// Publishes changes by the provider's ways and proves them at every authoritative server. A claim that all is
// done is only ever quoted, never believed; a refusal is.

import { MailctlError } from '../../../errors.ts';
import type { Host } from '../../../host/host.ts';
import { formatRecord } from './change.ts';
import { readSet, setKey } from './present.ts';
import type { HostedProvider, Provider } from './provider.ts';
import type { Route } from './route.ts';
import { type Sent, sendAgain, sendRoutes } from './send.ts';
import { type Expectation, type Sight, waitVisible } from './visible.ts';

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

function expectationOf({ change }: Route): Expectation {
  const { authorities, name, type, add, remove, before } = change;
  const keeps = before.filter((value) => !remove.includes(value));
  return { ...{ authorities, name, type, keeps }, has: add, hasNot: remove };
}

const MEND_AFTER_MS = 10_000;

/**
 * dnsctl may have stopped half way, or have done nothing. What no server shows after a while is sent once
 * more: by the API, which looks first; else only to a set that is empty, where nothing could be harmed.
 */
function mender(
  host: Host,
  provider: HostedProvider,
  { routes, words }: { routes: readonly Route[]; words: Map<string, string> },
) {
  const since = host.clock.now().getTime();
  const mended = new Set<Route>();
  return async (pending: readonly Sight[]) => {
    if (host.clock.now().getTime() - since < MEND_AFTER_MS) return;
    for (const { isEmpty, showing, expectation } of pending) {
      const route = routes.find(({ change }) => setKey(change) === setKey(expectation));
      if (route?.way !== 'dnsctl' || mended.has(route) || showing > 0) continue;
      if (provider.api === null && (!isEmpty || route.change.before.length === 0)) continue;
      mended.add(route);
      host.say(`no server shows ${setKey(route.change)}: sending it again`);
      words.set(setKey(route.change), await sendAgain(host, provider, route));
    }
  };
}

function explainPending(pending: readonly Sight[], words: ReadonlyMap<string, string>): string {
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
  words: ReadonlyMap<string, string>,
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

/** Nothing is waited for: what was sent is found by the next run. */
function requireAccepted(routes: readonly Route[], { refusals }: Sent): void {
  if (refusals.length === 0) return;
  const lines = refusals.flatMap(({ route: { change }, reason }) => [
    `${setKey(change)}: ${reason}`,
    ...change.remove.map((value) => `  remove   ${formatRecord(change, value, change.ttl)}`),
    ...change.add.map((value) => `  publish  ${formatRecord(change, value, change.ttl)}`),
  ]);
  const count = `${refusals.length} of ${routes.length} record sets were refused by the provider`;
  throw new MailctlError('DNS_REFUSED', [`${count}:`, ...lines].join('\n'), {
    hint: 'mailctl dns-setup   (again, when the reason is removed or the record is there)',
  });
}

/**
 * Makes the changes and waits until every server shows them.
 * @param timeout milliseconds to wait for the servers
 * Throws DNS_REFUSED and DNS_DENIED at once when the provider refuses; DNS_NOT_VISIBLE when the time is over;
 * DNS_BY_HAND when records of others have vanished; DNS_UNREACHABLE, TIMED_OUT, PROGRAM_FAILED.
 */
export async function publish(
  host: Host,
  provider: Provider,
  { routes, timeout }: { routes: readonly Route[]; timeout: number },
): Promise<void> {
  for (const route of routes) await requireUnchanged(route);
  const sent = await sendRoutes(host, provider, routes);
  requireAccepted(routes, sent);
  const words = new Map(sent.words);
  const onRound =
    provider.kind === 'hosted' ? mender(host, provider, { routes, words }) : undefined;
  const outcome = await waitVisible(host, routes.map(expectationOf), {
    timeout,
    ...(onRound === undefined ? {} : { onRound }),
  });
  requireDone(routes, outcome, words);
}
