// The names below a mail domain that a web server serves. DNS records and certificate names are derived from this
// list, so that a name without a web server is neither published nor certified.

import type { Settings } from './settings.ts';

export interface WebLabel {
  readonly label: 'autoconfig' | 'autodiscover' | 'mta-sts';
  readonly purpose: string;
}

/** This program serves no autoconfiguration; the MTA-STS policy is served if dns.mta_sts is not none. */
export function webLabels({ dns }: Settings): readonly WebLabel[] {
  return dns.mtaSts === 'none' ? [] : [{ label: 'mta-sts', purpose: 'MTA-STS' }];
}
