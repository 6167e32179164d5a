// By which way records are published here, and whether that way leads to a given zone.

import { MailctlError } from '../../../errors.ts';
import { listDnsctlZones, requireDnsctl } from '../../../host/dnsctl.ts';
import type { Host } from '../../../host/host.ts';
import { requireNsupdate, type UpdateServer } from '../../../host/nsupdate.ts';
import { parseUci } from '../../../uci/parse.ts';
import type { Settings } from '../../settings/settings.ts';
import type { Manners } from './steps.ts';

export type Provider =
  | {
      readonly kind: 'dnsctl';
      readonly manners: Manners;
      /** The zone that dnsctl itself is set up for, or null. */
      readonly zone: string | null;
    }
  | { readonly kind: 'rfc2136'; readonly server: UpdateServer };

const PROVIDER_FILE = '/etc/config/dns-provider';

function optionOf(text: string, option: string): string | null {
  const { document } = parseUci(text);
  const main = document.sections.find(({ name }) => name === 'main');
  const entry = main?.entries.find((one) => one.name === option);
  return entry === undefined ? null : entry.value.trim().toLowerCase();
}

function mannersOf(name: string | null): Manners {
  return name === 'cloudflare' || name === 'ovh' || name === 'gandi' ? name : 'unknown';
}

function updateServer({ dns }: Settings): UpdateServer {
  const { server, serverPort: port, tsigName, tsigAlgorithm, tsigSecret } = dns;
  if (server === null) throw new Error('rfc2136 without a server passed the checks');
  const key =
    tsigName === null || tsigSecret === null
      ? null
      : { name: tsigName, algorithm: tsigAlgorithm, secret: tsigSecret };
  return { address: server, port, key };
}

/** Throws DNS_PROVIDER_UNFIT, PROGRAM_MISSING: then nothing can be published from here. */
export async function readProvider(host: Host, settings: Settings): Promise<Provider> {
  if (settings.dns.provider === 'none') {
    throw new MailctlError(
      'DNS_PROVIDER_UNFIT',
      "mailserver.dns.provider is 'none': records are published by hand",
      { hint: 'mailctl dns-setup --zone   (prints them)' },
    );
  }
  if (settings.dns.provider === 'rfc2136') {
    requireNsupdate(host);
    return { kind: 'rfc2136', server: updateServer(settings) };
  }
  requireDnsctl(host);
  const text = (await host.files.read(PROVIDER_FILE)) ?? '';
  return {
    kind: 'dnsctl',
    manners: mannersOf(optionOf(text, 'provider')),
    zone: optionOf(text, 'zone')?.replace(/\.$/, '') ?? null,
  };
}

/** False where a record set can only be replaced by a single value. */
export async function holdsSeveralValues(host: Host, settings: Settings): Promise<boolean> {
  if (settings.dns.provider !== 'dnsctl') return true;
  const text = (await host.files.read(PROVIDER_FILE)) ?? '';
  const manners = mannersOf(optionOf(text, 'provider'));
  return manners === 'cloudflare' || manners === 'ovh';
}

/** Throws DNS_ZONE_UNFIT when the zone is nobody's, or not in dnsctl's hands. */
export async function requireOwnZone(
  host: Host,
  provider: Provider,
  { zone, name }: { zone: string; name: string },
): Promise<void> {
  if (!zone.includes('.')) {
    throw new MailctlError(
      'DNS_ZONE_UNFIT',
      `${name} is in no zone of its own: .${zone} knows nothing of it`,
      {
        hint: 'register the domain, or correct its name: mailctl domain list',
      },
    );
  }
  if (provider.kind !== 'dnsctl' || provider.zone === zone) return;
  const zones = await listDnsctlZones(host);
  if (zones.includes(zone)) return;
  // words that could not be understood prove nothing, so only a list without the zone counts
  const known = zones.length > 0 ? zones : provider.zone === null ? [] : [provider.zone];
  if (known.length === 0) return;
  throw new MailctlError(
    'DNS_ZONE_UNFIT',
    `${name} is in the zone ${zone}, which dnsctl does not manage (it has ${known.slice(0, 5).join(', ')})`,
    { hint: `mailctl dns-setup --zone   (records to publish where ${zone} is managed)` },
  );
}
