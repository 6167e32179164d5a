// The servers that a mail program has to know. Pure.

import type { ClientPorts, ServerFacts } from '../../front/requests.ts';

export interface ClientServer {
  readonly protocol: 'imap' | 'pop3' | 'smtp';
  readonly port: number;
  readonly security: 'TLS' | 'STARTTLS';
}

/** What is on, TLS from the first byte before STARTTLS (RFC 8314 3). */
export function clientServers(ports: ClientPorts): ClientServer[] {
  const all: [ClientServer['protocol'], number | null, ClientServer['security']][] = [
    ['imap', ports.imaps, 'TLS'],
    ['imap', ports.imap, 'STARTTLS'],
    ['pop3', ports.pop3s, 'TLS'],
    ['pop3', ports.pop3, 'STARTTLS'],
    ['smtp', ports.smtps, 'TLS'],
    ['smtp', ports.submission, 'STARTTLS'],
  ];
  return all.flatMap(([protocol, port, security]) =>
    port === null ? [] : [{ protocol, port, security }],
  );
}

export interface Preferred {
  /** IMAP, or POP3 where IMAP is off; null where both are. */
  readonly receive: ClientServer | null;
  readonly send: ClientServer | null;
}

/** The best way to receive and to send. */
export function preferredServers(ports: ClientPorts): Preferred {
  const servers = clientServers(ports);
  const first = (protocol: ClientServer['protocol']) =>
    servers.find((server) => server.protocol === protocol) ?? null;
  return { receive: first('imap') ?? first('pop3'), send: first('smtp') };
}

// what a mailbox can be named, and nothing that could be markup or a header line
const LOCAL = /^[A-Za-z0-9.!#$%'*+\-/=?^_`{|}~]{1,64}$/;

/** The address in lower case, if it could be one of this server; whether it exists is not told. */
export function ownAddress({ domains }: ServerFacts, text: string | undefined): string | null {
  const lower = (text ?? '').trim().toLowerCase();
  const at = lower.lastIndexOf('@');
  const isOwn =
    domains.includes(lower.slice(at + 1)) && LOCAL.test(lower.slice(0, Math.max(at, 0)));
  return isOwn && lower.length <= 254 ? lower : null;
}
