// Sends each change by its route. A refusal is collected with the provider's text, and the other changes are still
// sent, unless the credentials are refused.

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
  /** The last output for each record set: not a proof. */
  readonly words: ReadonlyMap<string, string>;
  /** The refused changes, with the provider's text. */
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
  // Cloudflare's API wants an absolute target without the final dot
  const isHost = provider.manners === 'cloudflare' && type === 'CNAME';
  const value = isHost ? step.value?.replace(/\.$/, '') : step.value;
  const call = { verb, zone, type, sub: relativeName(name, zone), secrets: provider.secrets };
  try {
    return await runDnsctl(host, { ...call, ...(value === undefined ? {} : { value, ttl }) });
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'TIMED_OUT') throw error;
    throw new MailctlError('TIMED_OUT', `${setKey(change)}: ${error.message}`, {
      hint: 'mailctl dns-check   (shows what is published), then repeat the command: it continues',
      cause: error,
    });
  }
}

/** "not found" on removal or replacement: the record is already absent. */
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
  if (api === null) throw new Error('a route by an API that is not configured');
  return api;
}

/** The caller calls `finish` of the zone. Throws DNS_REFUSED, DNS_DENIED, DNS_UNREACHABLE. */
async function sendByApi(provider: HostedProvider, { change }: Route): Promise<ApiZone> {
  const { zone } = change.authorities;
  const open = await requireApi(provider).openZone(zone);
  if (open === null) throw new Error(`the zone ${zone} was not looked up`);
  await open.change(change);
  return open;
}

/** Sends a route once more; by the API, which reads the set first, where there is one. */
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

/** Throws DNS_DENIED, DNS_UNREACHABLE, PROGRAM_FAILED, TIMED_OUT: some changes were not sent then. */
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
