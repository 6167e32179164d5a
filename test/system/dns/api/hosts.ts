export type ProviderName = 'cloudflare' | 'ovh' | 'gandi';

/** Address of the stand-in for all providers. */
export const API_ADDRESS = '127.53.0.30';

export const PROVIDER_HOSTS: Readonly<Record<string, ProviderName>> = {
  'eu.api.ovh.com': 'ovh',
  'ca.api.ovh.com': 'ovh',
  'api.us.ovhcloud.com': 'ovh',
  'api.gandi.net': 'gandi',
  'api.cloudflare.com': 'cloudflare',
};
