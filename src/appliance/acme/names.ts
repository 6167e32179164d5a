// The names of the certificate: those under which clients find the server, as far as they can be proved.

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

/** Let's Encrypt's limit, which others share. */
const MAX_NAMES = 100;

/** The hostname first; the rest in the order of the domains. */
export function namesFor(settings: Settings, domains: readonly string[]): [string, ...string[]] {
  const { main } = settings;
  const labels = webLabels(settings).map(({ label }) => label);
  const names = domains.flatMap((domain) => labels.map((label) => `${label}.${domain}`));
  const rest = new Set(names.filter((name) => name !== main.hostname));
  return [main.hostname, ...[...rest].slice(0, MAX_NAMES - 1)];
}

/** What the certificate should name now. */
export async function wantedNames(host: Host, target: Appliance): Promise<[string, ...string[]]> {
  return namesFor(target.settings, await mailDomains(host, target));
}

export interface ProvableNames {
  readonly names: [string, ...string[]];
  /** Why a name had to be left out, a sentence each. */
  readonly leftOut: readonly string[];
}

/** Throws DNS_BY_HAND where the provider's ways cannot publish a proof beside what is there. */
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
  throw new MailctlError('DNS_BY_HAND', `no proof can be published: ${obstacle.reason}`, {
    hint: "uci set mailserver.dns.provider='auto'   (the provider's API does what dnsctl cannot)",
  });
}

/** Throws where no proof for this name can be published from here. */
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
    `its proof is delegated: ${challenge} is an alias (CNAME) of ${set.alias}`,
    { hint: `remove the CNAME record of ${challenge}, then repeat the command` },
  );
}

/**
 * The names that can be proved by records published from here. Throws where the hostname itself is not
 * among them, and DNS_UNREACHABLE or DNS_DISAGREES where a name in `keep` cannot be looked at just now:
 * DNS_PROVIDER_UNFIT, DNS_ZONE_UNFIT, DNS_BY_HAND.
 * @param keep names that must not be lost to a short trouble
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
      const later = 'when that is mended: mailctl ssl-renew --now';
      leftOut.push(`the certificate will not name ${name}: ${error.message}; ${later}`);
    }
  }
  return { names, leftOut };
}
