// A configuration profile for iOS and macOS, which sets up one account; the device asks for the password.
// https://developer.apple.com/documentation/devicemanagement/mail Pure.

import { XMLBuilder } from 'fast-xml-parser';
import type { ServerFacts } from '../../front/requests.ts';
import { digestText } from '../../host/digest.ts';
import { preferredServers } from './servers.ts';

type Value = string | number | boolean | Dictionary | readonly Dictionary[];
interface Dictionary {
  readonly [key: string]: Value;
}

const BUILDER = new XMLBuilder({
  preserveOrder: true,
  ignoreAttributes: false,
  suppressEmptyNode: true,
});

/** Nodes in the order in which a property list has them: a key, then its value. */
type Node = Readonly<Record<string, unknown>>;

const text = (name: string, value: string): Node => ({ [name]: [{ '#text': value }] });

function node(value: Value): Node {
  if (typeof value === 'boolean') return { [value ? 'true' : 'false']: [] };
  if (typeof value === 'number') return text('integer', String(value));
  if (typeof value === 'string') return text('string', value);
  if (Array.isArray(value)) return { array: value.map(node) };
  const entries = Object.entries(value as Dictionary);
  return { dict: entries.flatMap(([key, inner]) => [text('key', key), node(inner)]) };
}

/** The same for the same name, so that a profile that is installed again replaces the former one. */
function uuidOf(name: string): string {
  const hex = digestText(name).slice(0, 32);
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`]
    .concat(hex.slice(20))
    .join('-')
    .toUpperCase();
}

const common = (identifier: string, type: string, name: string): Dictionary => ({
  PayloadType: type,
  PayloadVersion: 1,
  PayloadIdentifier: identifier,
  PayloadUUID: uuidOf(identifier),
  PayloadDisplayName: name,
});

/** Null where the server has no way to receive or to send. */
export function appleProfile({ hostname, ports }: ServerFacts, address: string): string | null {
  const { receive, send } = preferredServers(ports);
  if (receive === null || send === null) return null;
  const identifier = `${hostname.split('.').reverse().join('.')}.${digestText(address).slice(0, 16)}`;
  const account: Dictionary = {
    ...common(`${identifier}.mail`, 'com.apple.mail.managed', address),
    EmailAccountType: receive.protocol === 'imap' ? 'EmailTypeIMAP' : 'EmailTypePOP',
    EmailAccountDescription: address,
    EmailAddress: address,
    IncomingMailServerAuthentication: 'EmailAuthPassword',
    IncomingMailServerHostName: hostname,
    IncomingMailServerPortNumber: receive.port,
    IncomingMailServerUseSSL: true,
    IncomingMailServerUsername: address,
    OutgoingMailServerAuthentication: 'EmailAuthPassword',
    OutgoingMailServerHostName: hostname,
    OutgoingMailServerPortNumber: send.port,
    OutgoingMailServerUseSSL: true,
    OutgoingMailServerUsername: address,
    OutgoingPasswordSameAsIncomingPassword: true,
  };
  const profile: Dictionary = {
    ...common(identifier, 'Configuration', address),
    PayloadDescription: `${address} on ${hostname}`,
    PayloadOrganization: hostname,
    PayloadContent: [account],
  };
  const plist = { plist: [node(profile)], ':@': { '@_version': '1.0' } };
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
${BUILDER.build([plist])}
`;
}
