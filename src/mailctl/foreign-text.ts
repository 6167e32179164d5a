// A redirect of one of our ports to another host, as a sentence for the operator.

import type { ForeignRedirect } from '../appliance/firewall/foreign.ts';

export function foreignText({ service, port, section, to }: ForeignRedirect): string {
  const where = to === null ? 'to the router itself' : `to ${to}`;
  return `port ${port} (${service}): redirect '${section}' sends it ${where}; remove that redirect, then: mailctl firewall-setup`;
}
