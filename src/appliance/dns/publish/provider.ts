// The configured DNS provider, and whether it can change a given zone.

import { MailctlError } from '../../../errors.ts';
import type { Account, DnsApi } from '../../../host/dns-api/api.ts';
import { createCloudflare } from '../../../host/dns-api/cloudflare.ts';
import { createGandi } from '../../../host/dns-api/gandi.ts';
import { createOvh } from '../../../host/dns-api/ovh.ts';
import { listDnsctlZones, requireDnsctl, testDnsctl } from '../../../host/dnsctl.ts';
import type { Host } from '../../../host/host.ts';
import { requireNsupdate, type UpdateServer } from '../../../host/nsupdate.ts';
import type { Settings } from '../../settings/settings.ts';
import {
  chooseAccount,
  isApiProvider,
  PROVIDER_FILE,
  type ProviderFile,
  readProviderFile,
  secretsOf,
} from './credentials.ts';
import type { Manners } from './steps.ts';

export interface HostedProvider {
  readonly kind: 'hosted';
  readonly manners: Manners;
  /** null if dnsctl is not used. */
  readonly dnsctl: {
    /** The zone in dnsctl's own configuration, or null. */
    readonly zone: string | null;
    /** At cloudflare, the id of the zone that dnsctl changes. */
    readonly zoneId: string | null;
    /** Tests the credentials once. Throws DNS_DENIED, TIMED_OUT. */
    test(): Promise<void>;
  } | null;
  /** null if the provider's API is not used. */
  readonly api: DnsApi | null;
  /** Text that never reaches output or logs. */
  readonly secrets: readonly string[];
}

export type Provider = HostedProvider | { readonly kind: 'rfc2136'; readonly server: UpdateServer };

function updateServer({ dns }: Settings): UpdateServer {
  const { server, serverPort: port, tsigName, tsigAlgorithm, tsigSecret } = dns;
  if (server === null) throw new Error('rfc2136 without a server passed the checks');
  const key =
    tsigName === null || tsigSecret === null
      ? null
      : { name: tsigName, algorithm: tsigAlgorithm, secret: tsigSecret };
  return { address: server, port, key };
}

function unfit(reason: string): MailctlError {
  return new MailctlError('DNS_PROVIDER_UNFIT', reason, {
    hint: `correct ${PROVIDER_FILE}, or mailctl dns-setup --zone   (records to publish by hand)`,
  });
}

function createApi(host: Host, account: Account): DnsApi {
  if (account.provider === 'ovh') return createOvh(host, account);
  if (account.provider === 'gandi') return createGandi(host, account);
  return createCloudflare(host, account);
}

/** Caches `openZone`: one request for each zone. */
function remembering(api: DnsApi): DnsApi {
  const zones = new Map<string, ReturnType<DnsApi['openZone']>>();
  return {
    ...api,
    openZone: (zone) => {
      const open = zones.get(zone) ?? api.openZone(zone);
      zones.set(zone, open);
      return open;
    },
  };
}

function dnsctlOf(host: Host, file: ProviderFile, secrets: readonly string[]) {
  let tested: Promise<void> | null = null;
  return {
    zone: file.zone,
    zoneId: file.option('cloudflare', 'zone_id'),
    test: () => {
      tested ??= testDnsctl(host, secrets);
      return tested;
    },
  };
}

function hosted(host: Host, setting: Settings['dns']['provider'], file: ProviderFile): Provider {
  const account = chooseAccount(setting, file);
  if (account !== null && 'missing' in account) throw unfit(account.missing);
  const api = account === null ? null : remembering(createApi(host, account));
  const isAllowed = setting === 'auto' || setting === 'dnsctl';
  const manners = account?.provider ?? (isApiProvider(file.provider) ? file.provider : 'unknown');
  if (isAllowed && api === null) requireDnsctl(host);
  if (isAllowed && api === null && file.provider === null) {
    throw unfit('no DNS provider is configured: dns-provider.main.provider is not set');
  }
  // dnsctl needs dns-provider.main.zone
  const isUsable =
    isAllowed && host.programs.exists('dnsctl') && (api === null || file.zone !== null);
  const secrets = secretsOf(file);
  const dnsctl = isUsable ? dnsctlOf(host, file, secrets) : null;
  return { kind: 'hosted', manners, dnsctl, api, secrets };
}

/**
 * Makes no request. Throws DNS_PROVIDER_UNFIT for missing settings or credentials, PROGRAM_MISSING: mailctl cannot
 * publish records then.
 */
export async function readProvider(host: Host, settings: Settings): Promise<Provider> {
  const { provider } = settings.dns;
  if (provider === 'none') {
    throw new MailctlError(
      'DNS_PROVIDER_UNFIT',
      "mailserver.dns.provider is 'none': records are published by hand",
      { hint: 'mailctl dns-setup --zone   (prints them)' },
    );
  }
  if (provider === 'rfc2136') {
    requireNsupdate(host);
    return { kind: 'rfc2136', server: updateServer(settings) };
  }
  return hosted(host, provider, await readProviderFile(host));
}

/** False if the provider's record sets can only be replaced by a single value. */
export async function holdsSeveralValues(host: Host, settings: Settings): Promise<boolean> {
  const { provider } = settings.dns;
  if (provider !== 'dnsctl' && provider !== 'auto') return true;
  const file = await readProviderFile(host);
  const account = provider === 'auto' ? chooseAccount(provider, file) : null;
  if (account !== null && !('missing' in account)) return true;
  return file.provider === 'cloudflare' || file.provider === 'ovh';
}

/** True if dnsctl can change the zone: at cloudflare it always writes into its configured zone. */
export function dnsctlReaches(
  { dnsctl, manners }: Pick<HostedProvider, 'dnsctl' | 'manners'>,
  zone: string,
): boolean {
  if (dnsctl === null) return false;
  return manners !== 'cloudflare' || (dnsctl.zone === zone && dnsctl.zoneId !== null);
}

const ELSEWHERE = (zone: string) => ({
  hint: `mailctl dns-setup --zone   (records to publish by hand in ${zone})`,
});

/**
 * Queries the provider once, to detect wrong credentials and a zone of another account before any change.
 * Throws DNS_ZONE_UNFIT if the name is not delegated or its zone is not in the account, DNS_DENIED, DNS_UNREACHABLE.
 */
export async function requireOwnZone(
  host: Host,
  provider: Provider,
  { zone, name }: { zone: string; name: string },
): Promise<void> {
  if (!zone.includes('.')) {
    throw new MailctlError(
      'DNS_ZONE_UNFIT',
      `${name} is not delegated: no such name in the zone .${zone}`,
      {
        hint: 'register the domain, or correct its name: mailctl domain list',
      },
    );
  }
  if (provider.kind !== 'hosted') return;
  if (provider.api !== null) return requireApiZone(provider.api, provider, { zone, name });
  await requireDnsctlZone(host, provider, { zone, name });
}

async function requireApiZone(
  api: DnsApi,
  { dnsctl, manners }: HostedProvider,
  { zone, name }: { zone: string; name: string },
): Promise<void> {
  const found = await api.openZone(zone);
  if (found !== null && dnsctl?.zone === zone && dnsctlReaches({ dnsctl, manners }, zone)) {
    if (found.id === null || found.id === dnsctl.zoneId) return;
    throw unfit(`dns-provider.cloudflare.zone_id is not the id of ${zone}`);
  }
  if (found !== null) return;
  throw new MailctlError(
    'DNS_ZONE_UNFIT',
    `${name} is in the zone ${zone}, which is not in the account at ${api.provider}`,
    ELSEWHERE(zone),
  );
}

async function requireDnsctlZone(
  host: Host,
  provider: HostedProvider,
  { zone, name }: { zone: string; name: string },
): Promise<void> {
  await provider.dnsctl?.test();
  const own = provider.dnsctl?.zone ?? null;
  // dnsctl cannot list the zones of ovh and cloudflare; the first change shows whether it has the zone
  if (own === zone || provider.manners === 'ovh' || provider.manners === 'cloudflare') return;
  const known = [...(await listDnsctlZones(host)), ...(own === null ? [] : [own])];
  if (known.length === 0 || known.includes(zone)) return;
  throw new MailctlError(
    'DNS_ZONE_UNFIT',
    `${name} is in the zone ${zone}, which dnsctl does not manage (it has ${known.slice(0, 5).join(', ')})`,
    ELSEWHERE(zone),
  );
}
