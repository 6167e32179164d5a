// The names of the certificate: every name that clients connect to and whose challenge can be published.

import { exitStatus, MailctlError, STATUS } from '../../errors.ts';
import { type Authorities, findAuthorities, readResolvers } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import { mailDomains } from '../accounts/accounts.ts';
import type { Appliance } from '../appliance.ts';
import { type PresentSet, readSet } from '../dns/publish/present.ts';
import { type Provider, readProvider, requireOwnZone } from '../dns/publish/provider.ts';
import { routeChanges } from '../dns/publish/route.ts';
import type { Settings } from '../settings/settings.ts';
import { webLabels } from '../settings/web-names.ts';

/** Let's Encrypt's limit; other CAs use the same. */
const MAX_NAMES = 100;

/** The hostname first; the others in the order of the domains. */
export function namesFor(settings: Settings, domains: readonly string[]): [string, ...string[]] {
  const { main } = settings;
  const labels = webLabels(settings).map(({ label }) => label);
  const names = domains.flatMap((domain) => labels.map((label) => `${label}.${domain}`));
  const rest = new Set(names.filter((name) => name !== main.hostname));
  return [main.hostname, ...[...rest].slice(0, MAX_NAMES - 1)];
}

/** The names that the certificate should have now. */
export async function wantedNames(host: Host, target: Appliance): Promise<[string, ...string[]]> {
  return namesFor(target.settings, await mailDomains(host, target));
}

export interface ProvableNames {
  readonly names: [string, ...string[]];
  /** One sentence with the reason for each name that was left out. */
  readonly leftOut: readonly string[];
}

/** Throws DNS_BY_HAND when the provider cannot add a challenge record to the present record set. */
function requireRoute(
  provider: Provider,
  { set, authorities }: { set: PresentSet; authorities: Authorities },
): void {
  const before = set.values.map(({ value }) => value);
  const change = { add: ['a proof'], remove: [], ttl: 60, purpose: 'proof' };
  const { name, type } = set;
  const { obstacles } = routeChanges(provider, [{ name, type, authorities, before, ...change }]);
  const [obstacle] = obstacles;
  if (obstacle === undefined) return;
  throw new MailctlError(
    'DNS_BY_HAND',
    `the challenge record cannot be published: ${obstacle.reason}`,
    {
      hint: "mailctl set dns.provider auto   (uses the provider's API instead of dnsctl)",
    },
  );
}

/** Throws when mailctl cannot publish a challenge record for this name. */
async function requireProvable(
  host: Host,
  settings: Settings,
  { provider, name }: { provider: Provider; name: string },
): Promise<void> {
  const challenge = `_acme-challenge.${name}`;
  const resolvers = await readResolvers(host, settings.dns.resolver);
  const authorities = await findAuthorities(resolvers, challenge);
  await requireOwnZone(host, provider, { zone: authorities.zone, name });
  const { set } = await readSet(authorities, { name: challenge, type: 'TXT' });
  if (set.alias === null) return requireRoute(provider, { set, authorities });
  throw new MailctlError(
    'DNS_BY_HAND',
    `the challenge is delegated: ${challenge} is an alias (CNAME) of ${set.alias}`,
    { hint: `remove the CNAME record of ${challenge}, then repeat the command` },
  );
}

/**
 * The names whose challenge record mailctl can publish. Throws DNS_PROVIDER_UNFIT, DNS_ZONE_UNFIT or
 * DNS_BY_HAND when the hostname is not among them, and DNS_UNREACHABLE or DNS_DISAGREES when the look-up of
 * a name in `keep` fails temporarily.
 * @param keep names that a temporary DNS failure must not remove from the certificate
 */
export async function provableNames(
  host: Host,
  settings: Settings,
  wanted: { names: readonly [string, ...string[]]; keep?: readonly string[] },
): Promise<ProvableNames> {
  const { names: all, keep = [] } = wanted;
  const [hostname, ...others] = all;
  const provider = await readProvider(host, settings);
  await requireProvable(host, settings, { provider, name: hostname });
  const names: [string, ...string[]] = [hostname];
  const leftOut: string[] = [];
  for (const name of others) {
    try {
      await requireProvable(host, settings, { provider, name });
      names.push(name);
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      if (exitStatus(error) === STATUS.TRY_AGAIN && keep.includes(name)) throw error;
      const later = 'after the fix: mailctl ssl-renew --now';
      leftOut.push(`the certificate will not name ${name}: ${error.message}; ${later}`);
    }
  }
  return { names, leftOut };
}
