// Sends changes, each by its way. A refusal in the provider's own words is collected: the other changes are
// sent all the same, unless the credentials are at fault.

import { MailctlError } from '../../../errors.ts';
import type { ApiZone } from '../../../host/dns-api/api.ts';
import { formatRdata } from '../../../host/dns-api/rdata.ts';
import { runDnsctl } from '../../../host/dnsctl.ts';
import type { Host } from '../../../host/host.ts';
import { runNsupdate, type UpdateLine } from '../../../host/nsupdate.ts';
import { relativeName } from './names.ts';
import { setKey } from './present.ts';
import type { HostedProvider, Provider } from './provider.ts';
import type { Route } from './route.ts';
import type { Step } from './steps.ts';

export interface Sent {
  /** What each way said last, by record set: a claim, no proof. */
  readonly words: ReadonlyMap<string, string>;
  /** What was refused, and in which words. */
  readonly refusals: readonly { readonly route: Route; readonly reason: string }[];
}

type DnsctlRoute = Extract<Route, { way: 'dnsctl' }>;

function describeAction({ change }: Route): string {
  const { add, remove } = change;
  if (add.length === 0) return 'removing';
  return remove.length === 0 ? 'publishing' : 'replacing';
}

/** Throws TIMED_OUT. */
async function runStep(host: Host, provider: HostedProvider, { change }: Route, step: Step) {
  const { authorities, name, type, ttl } = change;
  const { zone } = authorities;
  const { verb } = step;
  // its API takes the target as absolute without the dot
  const isHost = provider.manners === 'cloudflare' && type === 'CNAME';
  const value = isHost ? step.value?.replace(/\.$/, '') : step.value;
  const call = { verb, zone, type, sub: relativeName(name, zone), secrets: provider.secrets };
  try {
    return await runDnsctl(host, { ...call, ...(value === undefined ? {} : { value, ttl }) });
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'TIMED_OUT') throw error;
    throw new MailctlError('TIMED_OUT', `${error.message}, at ${setKey(change)}`, {
      hint: 'mailctl dns-check   (what is published), then repeat the command: it goes on',
      cause: error,
    });
  }
}

/** A record that was to be removed or replaced and is not there is as good as removed. */
const isAway = (verb: Step['verb'], refusal: string) =>
  verb !== 'add' && /not found|could not be found|does not exist/i.test(refusal);

async function sendByDnsctl(
  host: Host,
  provider: HostedProvider,
  route: DnsctlRoute,
): Promise<{ words: string; refusal: string | null }> {
  let last = '';
  for (const step of route.steps) {
    const { words, refusal } = await runStep(host, provider, route, step);
    last = words;
    if (refusal !== null && !isAway(step.verb, refusal)) return { words, refusal };
  }
  return { words: last, refusal: null };
}

function requireApi({ api }: HostedProvider) {
  if (api === null) throw new Error('a route by an API that is not used');
  return api;
}

/** The zone is to be finished by the caller. Throws DNS_REFUSED, DNS_DENIED, DNS_UNREACHABLE. */
async function sendByApi(provider: HostedProvider, { change }: Route): Promise<ApiZone> {
  const { zone } = change.authorities;
  const open = await requireApi(provider).openZone(zone);
  if (open === null) throw new Error(`the zone ${zone} was not looked for`);
  await open.change(change);
  return open;
}

/** Sends a route once more by the way that looks first; done already, it does nothing. */
export async function sendAgain(
  host: Host,
  provider: HostedProvider,
  route: Route,
): Promise<string> {
  if (provider.api !== null) {
    await (await sendByApi(provider, route)).finish();
    return '';
  }
  let last = '';
  for (const value of route.change.add) {
    last = (await runStep(host, provider, route, { verb: 'add', value })).words;
  }
  return last;
}

async function sendHosted(
  host: Host,
  provider: HostedProvider,
  routes: readonly Route[],
): Promise<Sent> {
  const words = new Map<string, string>();
  const refusals: { route: Route; reason: string }[] = [];
  const unfinished = new Set<ApiZone>();
  for (const route of routes) {
    host.say(`${describeAction(route)} ${setKey(route.change)}`);
    const answer = route.way === 'dnsctl' ? await sendByDnsctl(host, provider, route) : null;
    if (answer !== null) words.set(setKey(route.change), answer.words);
    if (answer !== null && answer.refusal === null) continue;
    if (answer !== null && provider.api === null) {
      refusals.push({ route, reason: `dnsctl: ${answer.refusal}` });
      continue;
    }
    try {
      unfinished.add(await sendByApi(provider, route));
    } catch (error) {
      if (!(error instanceof MailctlError) || error.code !== 'DNS_REFUSED') throw error;
      refusals.push({ route, reason: error.message });
    }
  }
  for (const zone of unfinished) await zone.finish();
  return { words, refusals };
}

function updateLines({ change }: Route): UpdateLine[] {
  const { name, type, ttl } = change;
  const line = (action: 'add' | 'delete') => (value: string) => ({
    ...{ action, name, type, ttl },
    data: formatRdata(type, value),
  });
  return [...change.remove.map(line('delete')), ...change.add.map(line('add'))];
}

/** Throws DNS_DENIED, DNS_UNREACHABLE, PROGRAM_FAILED, TIMED_OUT: then not everything was sent. */
export async function sendRoutes(
  host: Host,
  provider: Provider,
  routes: readonly Route[],
): Promise<Sent> {
  if (provider.kind === 'hosted') return sendHosted(host, provider, routes);
  const zones = new Set(routes.map(({ change }) => change.authorities.zone));
  for (const zone of zones) {
    const here = routes.filter(({ change }) => change.authorities.zone === zone);
    host.say(`updating ${here.length} record sets of ${zone}`);
    await runNsupdate(host, provider.server, { zone, lines: here.flatMap(updateLines) });
  }
  return { words: new Map(), refusals: [] };
}
