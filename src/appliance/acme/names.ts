// The names of the certificate: those under which clients find the server, as far as they can be proved.

import { MailctlError } from '../../errors.ts';
import { findAuthorities, readResolvers } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import { mailDomains } from '../dns/facts.ts';
import { readProvider, requireOwnZone } from '../dns/provider.ts';
import type { Paths } from '../paths.ts';
import type { Settings } from '../settings.ts';

/** Let's Encrypt's limit, which others share. */
const MAX_NAMES = 100;

interface Target {
  readonly settings: Settings;
  readonly paths: Paths;
}

/** The hostname first; the rest in the order of the domains. */
export function namesFor(settings: Settings, domains: readonly string[]): [string, ...string[]] {
  const { main, dns, webmail } = settings;
  const labels = ['autoconfig', 'autodiscover', ...(dns.mtaSts === 'none' ? [] : ['mta-sts'])];
  const names = [
    ...(webmail.enabled ? [`webmail.${main.domain}`] : []),
    ...domains.flatMap((domain) => labels.map((label) => `${label}.${domain}`)),
  ];
  const rest = new Set(names.filter((name) => name !== main.hostname));
  return [main.hostname, ...[...rest].slice(0, MAX_NAMES - 1)];
}

/** What the certificate should name now. */
export async function wantedNames(host: Host, target: Target): Promise<[string, ...string[]]> {
  return namesFor(target.settings, await mailDomains(host, target));
}

export interface ProvableNames {
  readonly names: [string, ...string[]];
  /** Why a name had to be left out, a sentence each. */
  readonly leftOut: readonly string[];
}

/**
 * The names in whose zones this host can publish. Throws where the hostname itself is not among them:
 * DNS_PROVIDER_UNFIT, DNS_ZONE_UNFIT, DNS_UNREACHABLE.
 */
export async function provableNames(
  host: Host,
  settings: Settings,
  [hostname, ...others]: readonly [string, ...string[]],
): Promise<ProvableNames> {
  const provider = await readProvider(host, settings);
  const resolvers = await readResolvers(host, settings.dns.resolver);
  const require = async (name: string) => {
    const { zone } = await findAuthorities(resolvers, `_acme-challenge.${name}`);
    await requireOwnZone(host, provider, { zone, name });
  };
  await require(hostname);
  const names: [string, ...string[]] = [hostname];
  const leftOut: string[] = [];
  for (const name of others) {
    try {
      await require(name);
      names.push(name);
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      leftOut.push(`the certificate will not name ${name}: ${error.message}`);
    }
  }
  return { names, leftOut };
}
