// Autoconfiguration of Thunderbird and others: https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat
// Pure.

import { XMLBuilder } from 'fast-xml-parser';
import type { ServerFacts } from '../../front/requests.ts';
import { type ClientServer, clientServers } from './servers.ts';

const BUILDER = new XMLBuilder({ ignoreAttributes: false, format: true });

/** @param address null: the program fills in its own */
function serverNode(hostname: string, { protocol, port, security }: ClientServer, address: string) {
  return {
    '@_type': protocol,
    hostname,
    port,
    socketType: security === 'TLS' ? 'SSL' : 'STARTTLS',
    // within TLS; the server offers no other mechanism
    authentication: 'password-cleartext',
    username: address,
  };
}

/** @param address null: the program fills in its own */
export function mozillaConfig(
  { hostname, ports }: ServerFacts,
  domain: string,
  address: string | null,
): string {
  const servers = clientServers(ports);
  const nodes = (wanted: (server: ClientServer) => boolean) =>
    servers.filter(wanted).map((one) => serverNode(hostname, one, address ?? '%EMAILADDRESS%'));
  return BUILDER.build({
    '?xml': { '@_version': '1.0', '@_encoding': 'UTF-8' },
    clientConfig: {
      '@_version': '1.1',
      emailProvider: {
        '@_id': domain,
        domain,
        displayName: domain,
        displayShortName: domain,
        incomingServer: nodes(({ protocol }) => protocol !== 'smtp'),
        outgoingServer: nodes(({ protocol }) => protocol === 'smtp'),
      },
    },
  });
}
