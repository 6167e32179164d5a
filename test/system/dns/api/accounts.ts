// Accounts at the stand-in providers: their part of /etc/config/dns-provider, and their simulated faults.

import { createHash } from 'node:crypto';
import { PROVIDER_HOSTS, type ProviderName } from './hosts.ts';

export { PROVIDER_HOSTS, type ProviderName };

export interface ProviderAccount {
  readonly provider: ProviderName;
  /** By option of /etc/config/dns-provider. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Without the final dot. */
  readonly zones: readonly string[];
  /** `busy ID` (429 until the client has waited), `overload`, `down`, `refuse TYPE`. */
  readonly fault?: string;
}

const digest = (text: string, length: number) =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

export const cloudflareZoneId = (zone: string): string => digest(`zone ${zone}`, 32);

export function makeAccount(provider: ProviderName, id: string, zones: readonly string[]) {
  const secret = (name: string) => digest(`${id} ${name}`, 32);
  const own = cloudflareZoneId(zones[0] ?? '');
  const credentials = {
    ovh: {
      ...{ endpoint: 'ovh-eu', app_key: secret('app').slice(0, 16) },
      ...{ app_secret: secret('secret'), consumer_key: secret('consumer') },
    },
    gandi: { api_key: secret('key') },
    cloudflare: { api_token: secret('token'), zone_id: own },
  }[provider] as Record<string, string>;
  return { provider, credentials, zones };
}

/** The text of /etc/config/dns-provider. */
export function formatAccount({ provider, credentials, zones }: ProviderAccount): string {
  const options = Object.entries(credentials).map(([name, value]) => `\toption ${name} '${value}'`);
  return [
    ...["config dns_provider 'main'", "\toption enabled '1'", `\toption provider '${provider}'`],
    ...[
      `\toption zone '${zones[0] ?? ''}'`,
      '',
      `config ${provider} '${provider}'`,
      ...options,
      '',
    ],
  ].join('\n');
}
