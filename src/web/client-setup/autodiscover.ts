// Autodiscover of Outlook: the XML of MS-OXDSCLI (POX), and the JSON of version 2, which only names the URL of the former.
// Pure.

import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import type { ServerFacts } from '../../front/requests.ts';
import { type ClientServer, clientServers } from './servers.ts';

const NAMESPACE = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006';
const SETTINGS = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';

const BUILDER = new XMLBuilder({ ignoreAttributes: false, format: true });
// no entities: a request needs none, and their expansion is an attack
const PARSER = new XMLParser({
  ignoreAttributes: true,
  processEntities: false,
  removeNSPrefix: true,
  parseTagValue: false,
});

/** The address that a request asks for; undefined when there is none in it. */
export function requestedAddress(body: string): string | undefined {
  try {
    const parsed = PARSER.parse(body) as {
      Autodiscover?: { Request?: { EMailAddress?: unknown } };
    };
    const address = parsed.Autodiscover?.Request?.EMailAddress;
    return typeof address === 'string' ? address : undefined;
  } catch {
    // not XML: answered as a request without an address
    return undefined;
  }
}

function protocolNode(hostname: string, server: ClientServer, address: string) {
  const { protocol, port, security } = server;
  return {
    Type: protocol.toUpperCase(),
    Server: hostname,
    Port: port,
    LoginName: address,
    DomainRequired: 'off',
    SPA: 'off',
    SSL: security === 'TLS' ? 'on' : 'off',
    Encryption: security === 'TLS' ? 'SSL' : 'TLS',
    AuthRequired: 'on',
    ...(protocol === 'smtp' ? { UsePOPAuth: 'on', SMTPLast: 'off' } : {}),
  };
}

const documentOf = (response: object): string =>
  BUILDER.build({
    '?xml': { '@_version': '1.0', '@_encoding': 'utf-8' },
    Autodiscover: { '@_xmlns': NAMESPACE, Response: response },
  });

export function autodiscoverAnswer({ hostname, ports }: ServerFacts, address: string): string {
  return documentOf({
    '@_xmlns': SETTINGS,
    User: { DisplayName: address },
    Account: {
      AccountType: 'email',
      Action: 'settings',
      Protocol: clientServers(ports).map((server) => protocolNode(hostname, server, address)),
    },
  });
}

/** 600: invalid request; 500: the address is not one of this server. */
export function autodiscoverError(code: 500 | 600, now: Date): string {
  const message = code === 600 ? 'Invalid Request' : 'The email address cannot be found.';
  return documentOf({
    Error: {
      '@_Time': now.toISOString().slice(11, 23),
      '@_Id': '1',
      ErrorCode: code,
      Message: message,
      DebugData: '',
    },
  });
}

/** The answer of version 2; null for a protocol that this server does not have (Exchange's own). */
export function autodiscoverJson(host: string, protocol: string | undefined): object | null {
  if (protocol?.toLowerCase() !== 'autodiscoverv1') return null;
  return { Protocol: 'AutodiscoverV1', Url: `https://${host}/autodiscover/autodiscover.xml` };
}
