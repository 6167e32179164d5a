// Reads /etc/config/dns-provider: the provider, the zone and the credentials, shared with dnsctl.

import type { Account, ApiProvider } from '../../../host/dns-api/api.ts';
import { OVH_ENDPOINTS } from '../../../host/dns-api/ovh.ts';
import type { Host } from '../../../host/host.ts';
import { parseUci } from '../../../uci/parse.ts';
import type { Settings } from '../../settings/settings.ts';

export const PROVIDER_FILE = '/etc/config/dns-provider';

export interface ProviderFile {
  /** `main.provider`, lower case; null when there is none. */
  readonly provider: string | null;
  /** `main.zone`, lower case, without the final dot; null when there is none. */
  readonly zone: string | null;
  option(section: string, name: string): string | null;
}

export function isApiProvider(name: string | null): name is ApiProvider {
  return name === 'ovh' || name === 'gandi' || name === 'cloudflare';
}

export async function readProviderFile(host: Host): Promise<ProviderFile> {
  const { document } = parseUci((await host.files.read(PROVIDER_FILE)) ?? '');
  const option = (section: string, name: string) => {
    const found = document.sections.filter((one) => one.name === section);
    const entries = found.flatMap(({ entries: all }) => all.filter((one) => one.name === name));
    return entries.at(-1)?.value.trim() || null;
  };
  return {
    provider: option('main', 'provider')?.toLowerCase() ?? null,
    zone: option('main', 'zone')?.toLowerCase().replace(/\.$/, '') ?? null,
    option,
  };
}

/** The account at the provider, or a sentence that names the missing or invalid options. Pure. */
function accountOf(name: ApiProvider, file: ProviderFile): Account | { missing: string } {
  const needed = {
    ovh: ['app_key', 'app_secret', 'consumer_key'],
    gandi: ['api_key'],
    cloudflare: ['api_token'],
  }[name];
  const lacking = needed.filter((option) => file.option(name, option) === null);
  if (lacking.length > 0) {
    return { missing: `${lacking.map((one) => `dns-provider.${name}.${one}`).join(', ')} not set` };
  }
  const given = (option: string) => file.option(name, option) ?? '';
  if (name === 'gandi') {
    return { provider: name, apiKey: given('api_key'), sharingId: file.option(name, 'sharing_id') };
  }
  if (name === 'cloudflare') {
    const [zone, id] = [file.zone, file.option(name, 'zone_id')];
    const known = zone === null || id === null ? null : { zone, id };
    return { provider: name, apiToken: given('api_token'), known };
  }
  const endpoint = file.option(name, 'endpoint') ?? 'ovh-eu';
  if (OVH_ENDPOINTS[endpoint] === undefined) {
    return {
      missing: `dns-provider.ovh.endpoint is not one of ${Object.keys(OVH_ENDPOINTS).join(', ')}`,
    };
  }
  return {
    ...{ provider: name, endpoint, appKey: given('app_key') },
    ...{ appSecret: given('app_secret'), consumerKey: given('consumer_key') },
  };
}

/** The account that `dns.provider` selects, or what is missing; null for a provider without API. */
export function chooseAccount(
  setting: Settings['dns']['provider'],
  file: ProviderFile,
): Account | { missing: string } | null {
  const name = setting === 'auto' ? file.provider : setting;
  return isApiProvider(name) ? accountOf(name, file) : null;
}

/** All secrets in the file. */
export function secretsOf(file: ProviderFile): string[] {
  const places: readonly [string, string][] = [
    ['ovh', 'app_secret'],
    ['ovh', 'consumer_key'],
    ['gandi', 'api_key'],
    ['cloudflare', 'api_token'],
  ];
  return places.flatMap(([section, name]) => file.option(section, name) ?? []);
}
