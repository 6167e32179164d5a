export type ProviderName = 'cloudflare' | 'ovh' | 'gandi';

/** Where the stand-in of all providers listens. */
export const API_ADDRESS = '127.53.0.30';

export const PROVIDER_HOSTS: Readonly<Record<string, ProviderName>> = {
  'eu.api.ovh.com': 'ovh',
  'ca.api.ovh.com': 'ovh',
  'api.us.ovhcloud.com': 'ovh',
  'api.gandi.net': 'gandi',
  'api.cloudflare.com': 'cloudflare',
};
