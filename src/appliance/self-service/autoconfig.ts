// Whether mail programs find their settings: the documents are fetched as they do it, over HTTPS with the certificate
// checked, from the names that DNS gives now.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { mailDomains } from '../accounts/accounts.ts';
import type { Appliance } from '../appliance.ts';

export interface AutoconfigCheck {
  readonly domain: string;
  /** Whose way it is. */
  readonly program: 'thunderbird' | 'outlook' | 'apple';
  readonly url: string;
  /** Null when the settings are found. */
  readonly problem: string | null;
}

/** The name before the @ has no meaning: an answer does not depend on it. */
const ANYBODY = 'anybody';

function urlsOf(domain: string, hostname: string): Omit<AutoconfigCheck, 'problem'>[] {
  const address = encodeURIComponent(`${ANYBODY}@${domain}`);
  const mozilla = `https://autoconfig.${domain}/mail/config-v1.1.xml?emailaddress=${address}`;
  const outlook = `https://autodiscover.${domain}/autodiscover/autodiscover.xml?Email=${address}`;
  return [
    { domain, program: 'thunderbird', url: mozilla },
    { domain, program: 'outlook', url: outlook },
    { domain, program: 'apple', url: `https://${hostname}/profile?address=${address}` },
  ];
}

async function problemOf(host: Host, url: string, hostname: string): Promise<string | null> {
  try {
    const { status, data } = await host.web.query({ method: 'GET', url, headers: {} });
    if (status !== 200) return `the web server answers with status ${status}`;
    const names = typeof data === 'string' && data.includes(`>${hostname}<`);
    return names ? null : `the answer does not name ${hostname}`;
  } catch (error) {
    if (error instanceof MailctlError) return error.message;
    throw error;
  }
}

export async function checkAutoconfig(
  host: Host,
  target: Appliance,
): Promise<readonly AutoconfigCheck[]> {
  const { hostname } = target.settings.main;
  const domains = await mailDomains(host, target);
  const all = domains.flatMap((domain) => urlsOf(domain, hostname));
  return Promise.all(
    all.map(async (one) => ({ ...one, problem: await problemOf(host, one.url, hostname) })),
  );
}
