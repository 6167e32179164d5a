// Publishes changes through the provider and verifies them at every authoritative server. A success message of the
// provider's program is only quoted, not trusted; a refusal is trusted.

import { MailctlError } from '../../../errors.ts';
import type { Host } from '../../../host/host.ts';
import { formatSteps } from './change.ts';
import { readSet, setKey } from './present.ts';
import type { HostedProvider, Provider } from './provider.ts';
import type { Route } from './route.ts';
import { type Sent, sendAgain, sendRoutes } from './send.ts';
import { type Expectation, type Sight, waitVisible } from './visible.ts';

/** The set may have changed while the operator read the plan. Throws DNS_DISAGREES. */
async function requireUnchanged({ change }: Route): Promise<void> {
  const { set } = await readSet(change.authorities, change);
  const now = set.values.map(({ value }) => value);
  const same =
    now.length === change.before.length && now.every((one) => change.before.includes(one));
  // `before` does not contain the values of a wildcard
  if (same || change.before.length === 0) return;
  throw new MailctlError(
    'DNS_DISAGREES',
    `${setKey(change)} was changed by another party after the plan was made`,
    {
      hint: 'repeat the command: it makes a new plan first',
    },
  );
}

function expectationOf({ change }: Route): Expectation {
  const { authorities, name, type, add, remove, before } = change;
  const keeps = before.filter((value) => !remove.includes(value));
  return { ...{ authorities, name, type, keeps }, has: add, hasNot: remove };
}

const RETRY_AFTER_MS = 10_000;

/**
 * dnsctl may have changed only a part, or nothing. A change that no server shows after RETRY_AFTER_MS is sent once
 * more: by the API, which reads the set first; without an API only if the set is empty, so that no foreign record is
 * at risk.
 */
function createRetry(
  host: Host,
  provider: HostedProvider,
  { routes, words }: { routes: readonly Route[]; words: Map<string, string> },
) {
  const since = host.clock.now().getTime();
  const retried = new Set<Route>();
  return async (pending: readonly Sight[]) => {
    if (host.clock.now().getTime() - since < RETRY_AFTER_MS) return;
    for (const { isEmpty, showing, expectation } of pending) {
      const route = routes.find(({ change }) => setKey(change) === setKey(expectation));
      if (route?.way !== 'dnsctl' || retried.has(route) || showing > 0) continue;
      if (provider.api === null && (!isEmpty || route.change.before.length === 0)) continue;
      retried.add(route);
      host.say(`no server shows ${setKey(route.change)}: retrying`);
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
  const quote = said === undefined ? [] : [`the last output of dnsctl was: ${said}`];
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
      return formatSteps(expectation, { publish: values }, ttl ?? 3600);
    });
    throw new MailctlError(
      'DNS_BY_HAND',
      `foreign records are missing now, although mailctl did not remove them:\n${lines.join('\n')}`,
      { hint: "publish them again on the provider's web page" },
    );
  }
  if (pending.length === 0) return;
  throw new MailctlError('DNS_NOT_VISIBLE', explainPending(pending, words), {
    hint: 'repeat the command later: it continues where this one stopped; mailctl dns-check shows what is published',
  });
}

/** Does not wait for the accepted changes: the next run finds them published. */
function requireAccepted(routes: readonly Route[], { refusals }: Sent): void {
  if (refusals.length === 0) return;
  const lines = refusals.flatMap(({ route: { change }, reason }) => [
    `${setKey(change)}: ${reason}`,
    ...formatSteps(change, { remove: change.remove, publish: change.add }, change.ttl).map(
      (line) => `  ${line}`,
    ),
  ]);
  const count = `${refusals.length} of ${routes.length} record sets were refused by the provider`;
  throw new MailctlError('DNS_REFUSED', [`${count}:`, ...lines].join('\n'), {
    hint: 'mailctl dns-setup   (repeat it after removing the cause, or after publishing the record by hand)',
  });
}

/**
 * Makes the changes and waits until every server shows them.
 * @param timeout milliseconds to wait for the servers
 * Throws DNS_REFUSED and DNS_DENIED at once if the provider refuses; DNS_NOT_VISIBLE after the timeout;
 * DNS_BY_HAND if foreign records are missing; DNS_UNREACHABLE, TIMED_OUT, PROGRAM_FAILED.
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
    provider.kind === 'hosted' ? createRetry(host, provider, { routes, words }) : undefined;
  const outcome = await waitVisible(host, routes.map(expectationOf), {
    timeout,
    ...(onRound === undefined ? {} : { onRound }),
  });
  requireDone(routes, outcome, words);
}
