// Selects how each change is made: dnsctl where it can express the change, the provider's API for the rest, by hand
// where neither can. Pure.

import type { Authorities } from '../../../host/dns.ts';
import { TTL_BOUNDS } from '../../../host/dns-api/api.ts';
import { formatSteps, type Obstacle, type SetChange } from './change.ts';
import { dnsctlReaches, type HostedProvider, type Provider } from './provider.ts';
import { type Step, type Steps, stepsFor } from './steps.ts';

export interface ZoneChange extends SetChange {
  readonly authorities: Authorities;
}

export type Route = { readonly change: ZoneChange } & (
  | { readonly way: 'dnsctl'; readonly steps: readonly Step[] }
  | { readonly way: 'api' }
  /** RFC 2136 changes a whole zone at once. */
  | { readonly way: 'update' }
);

/** The wanted TTL, clamped to the bounds of the provider. */
export function publishedTtl(provider: Provider, ttl: number): number {
  if (provider.kind !== 'hosted' || provider.manners === 'unknown') return ttl;
  const [least, most] = TTL_BOUNDS[provider.manners];
  return Math.min(Math.max(ttl, least), most);
}

function dnsctlSteps(provider: HostedProvider, change: ZoneChange): Steps {
  const { zone } = change.authorities;
  if (!dnsctlReaches(provider, zone)) {
    const own = provider.dnsctl?.zone ?? null;
    const reason = `at cloudflare, dnsctl can change one zone only (${own ?? 'none is configured'})`;
    return { steps: null, reason };
  }
  return stepsFor(provider.manners, change, zone);
}

/** `dnsctl rm` names no value and would remove a record published in the meantime; the API names the value. */
function prefersApi(provider: HostedProvider, change: SetChange): boolean {
  return provider.api !== null && (provider.dnsctl === null || change.remove.length > 0);
}

/** Splits changes into those that leave foreign records intact, and those that the operator makes by hand. */
export function routeChanges(
  provider: Provider,
  changes: readonly ZoneChange[],
): { routes: Route[]; obstacles: Obstacle[] } {
  const routes: Route[] = [];
  const obstacles: Obstacle[] = [];
  for (const wanted of changes) {
    const change = { ...wanted, ttl: publishedTtl(provider, wanted.ttl) };
    if (provider.kind !== 'hosted') {
      routes.push({ change, way: 'update' });
      continue;
    }
    if (prefersApi(provider, change)) {
      routes.push({ change, way: 'api' });
      continue;
    }
    const way = dnsctlSteps(provider, change);
    if (way.steps !== null) routes.push({ change, way: 'dnsctl', steps: way.steps });
    else if (provider.api !== null) routes.push({ change, way: 'api' });
    else obstacles.push(byHand(change, way.reason));
  }
  return { routes, obstacles };
}

export function byHand(change: SetChange, reason: string): Obstacle {
  const { name, type, before, add, remove, ttl } = change;
  const keep = before.filter((value) => !remove.includes(value));
  return {
    ...{ name, type, reason },
    byHand: formatSteps(change, { remove, publish: add, keep }, ttl),
  };
}
