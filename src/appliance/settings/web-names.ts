// The names below a mail domain that a web server serves. DNS records and certificate names are derived from this
// list, so that a name without a web server is neither published nor certified.

import type { Settings } from './settings.ts';

export interface WebLabel {
  readonly label: 'autoconfig' | 'autodiscover' | 'mta-sts' | 'webmail';
  readonly purpose: string;
}

/** The settings of mail programs and webmail are served with web.enabled, the MTA-STS policy if dns.mta_sts is not none. */
export function webLabels({ dns, web, webmail }: Settings): readonly WebLabel[] {
  const labels: WebLabel[] = [];
  if (web.enabled) labels.push({ label: 'autoconfig', purpose: 'client setup' });
  if (web.enabled) labels.push({ label: 'autodiscover', purpose: 'client setup' });
  if (dns.mtaSts !== 'none') labels.push({ label: 'mta-sts', purpose: 'MTA-STS' });
  if (web.enabled && webmail.enabled) labels.push({ label: 'webmail', purpose: 'webmail' });
  return labels;
}
