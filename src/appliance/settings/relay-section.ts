// Sections of the type `relay`, any number of them and with any names: the relayhost of one sender domain. Pure.

import type { UciDocument, UciSection } from '../../uci/document.ts';
import { oneOf, optional, secret } from './kinds.ts';
import { domain, loginName, nexthop, parseNexthop } from './names.ts';
import { type OptionTable, option, type SettingsOf, section } from './option.ts';

export const RELAY = section(
  'relay',
  'Relayhost for one sender domain; one section for each domain',
  {
    domain: option(
      optional(domain()),
      '',
      'mail domain whose outbound mail takes this relayhost; required',
    ),
    host: option(
      optional(nexthop()),
      '',
      'the relayhost, as [host]:port; required. Not port 465, whose TLS Postfix has for all relayhosts or none',
    ),
    user: option(optional(loginName()), '', 'login name at the relayhost'),
    password: option(optional(secret()), '', 'password at the relayhost'),
    tls: option(
      optional(oneOf('verify', 'encrypt')),
      '',
      "verify: check the relayhost's certificate; encrypt: require TLS, accept any certificate; empty: verify if user is set",
    ),
  },
);

/** The TLS of a relayhost as its option documents it; null without a demand. */
export function relayTlsMode(
  wanted: 'verify' | 'encrypt' | null,
  user: string | null,
): 'verify' | 'encrypt' | null {
  return wanted ?? (user === null ? null : 'verify');
}

/** RFC 8314: implicit TLS on 465. */
export const isWrapped = (host: string): boolean => parseNexthop(host).port === 465;

type Written = SettingsOf<{ relay: typeof RELAY }>['relay'];

/** A relay with its section; `domain` and `host` are set. */
export interface Relay extends Omit<Written, 'domain' | 'host'> {
  readonly section: string;
  readonly domain: string;
  readonly host: string;
}

/** The document with a name for each anonymous relay, as UCI writes it: `@relay[0]`. */
export function nameRelays(document: UciDocument): UciDocument {
  const relays = document.sections.filter(({ type }) => type === RELAY.type);
  const named = (one: UciSection): UciSection =>
    one.type === RELAY.type && one.name === null
      ? { ...one, name: `@relay[${relays.indexOf(one)}]` }
      : one;
  return { ...document, sections: document.sections.map(named) };
}

/** The option table with a row for each relay of the document. */
export function withRelays(document: UciDocument, table: OptionTable): OptionTable {
  const rows = document.sections.flatMap(({ type, name }) =>
    type === RELAY.type && name !== null && !Object.hasOwn(table, name) ? [[name, RELAY]] : [],
  );
  return { ...table, ...(Object.fromEntries(rows) as OptionTable) };
}

/** The sections of these values that are not in the table: its relays. Incomplete ones are left out. */
export function relaysOf(
  values: Readonly<Record<string, unknown>>,
  table: OptionTable,
): { relays: readonly Relay[]; incomplete: readonly string[] } {
  const all = Object.entries(values).filter(([name]) => !Object.hasOwn(table, name));
  const relays = all.flatMap(([name, value]): Relay[] => {
    const { domain: sender, host, ...rest } = value as Written;
    return sender === null || host === null
      ? []
      : [{ section: name, domain: sender, host, ...rest }];
  });
  const complete = new Set(relays.map(({ section: name }) => name));
  return { relays, incomplete: all.map(([name]) => name).filter((name) => !complete.has(name)) };
}
