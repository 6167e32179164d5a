// The names below a mail domain under which a web server answers. Records and the certificate's names come from
// here: a name that nothing serves is neither published nor certified.

import type { Settings } from './settings.ts';

export interface WebLabel {
  readonly label: 'autoconfig' | 'autodiscover' | 'mta-sts';
  readonly purpose: string;
}

/** Autoconfiguration is not served by this program; the policy of MTA-STS is when the operator says so. */
export function webLabels({ dns }: Settings): readonly WebLabel[] {
  return dns.mtaSts === 'none' ? [] : [{ label: 'mta-sts', purpose: 'MTA-STS' }];
}
