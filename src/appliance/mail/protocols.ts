// The client side of each mail protocol, as far as the probes need it.

import { MailctlError } from '../../errors.ts';
import type { Dialogue } from '../../host/connect.ts';
import type { Settings } from '../settings/settings.ts';

export type Service = keyof Settings['ports'];

interface Protocol {
  /** Reads the greeting; returns its first line. */
  greet(dialogue: Dialogue, hostname: string): Promise<string>;
  /** Requests STARTTLS. */
  askForTls(dialogue: Dialogue): Promise<void>;
  /** The first exchange within TLS; throws PROBE_FAILED on an unexpected reply. */
  hello(dialogue: Dialogue): Promise<void>;
  bye(dialogue: Dialogue): Promise<void>;
}

export interface ServiceProtocol extends Protocol {
  /** RFC 8314: no STARTTLS. */
  readonly implicitTls: boolean;
}

const CLIENT_NAME = 'probe.invalid';
const MAX_SHOWN = 200;

function unexpected(line: string, wanted: string): MailctlError {
  const shown = JSON.stringify(line.slice(0, MAX_SHOWN));
  return new MailctlError('PROBE_FAILED', `expected ${wanted}, got ${shown}`);
}

/** Reads lines up to the last line of the reply, which must match `wanted`. */
async function readAnswer(
  dialogue: Dialogue,
  last: RegExp,
  wanted: { form: RegExp; name: string },
): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = await dialogue.readLine();
    lines.push(line);
    if (!last.test(line)) continue;
    if (wanted.form.test(line)) return lines;
    throw unexpected(line, wanted.name);
  }
}

/** Reads an SMTP reply with this code; returns its lines without the code. */
export async function smtpReply(dialogue: Dialogue, code: number): Promise<string[]> {
  const wanted = { form: new RegExp(`^${code}(?: |$)`), name: String(code) };
  const lines = await readAnswer(dialogue, /^(?:\d{3}(?: |$)|(?!\d{3}-))/, wanted);
  return lines.map((line) => line.slice(4));
}

export async function smtpCommand(
  dialogue: Dialogue,
  line: string,
  code: number,
): Promise<string[]> {
  dialogue.send(line);
  return smtpReply(dialogue, code);
}

/** An IMAP command that must succeed; returns the untagged lines. */
export async function imapCommand(dialogue: Dialogue, line: string): Promise<string[]> {
  dialogue.send(`a ${line}`);
  const lines = await readAnswer(dialogue, /^a /, { form: /^a OK/i, name: 'OK' });
  return lines.slice(0, -1);
}

export async function popCommand(dialogue: Dialogue, line: string): Promise<void> {
  dialogue.send(line);
  await readAnswer(dialogue, /^/, { form: /^\+OK/, name: '+OK' });
}

async function sieveAnswer(dialogue: Dialogue): Promise<string[]> {
  return readAnswer(dialogue, /^(?:OK|NO|BYE)\b/i, { form: /^OK\b/i, name: 'OK' });
}

async function sieveCommand(dialogue: Dialogue, line: string): Promise<string[]> {
  dialogue.send(line);
  return sieveAnswer(dialogue);
}

function requireOffer(offers: readonly string[], wanted: RegExp, name: string): void {
  if (offers.some((offer) => wanted.test(offer))) return;
  throw new MailctlError('PROBE_FAILED', `the server does not offer ${name}`);
}

function smtp(service: { implicitTls: boolean; auth: boolean }): ServiceProtocol {
  const ehlo = (dialogue: Dialogue) => smtpCommand(dialogue, `EHLO ${CLIENT_NAME}`, 250);
  return {
    implicitTls: service.implicitTls,
    greet: async (dialogue, hostname) => {
      const [text = ''] = await smtpReply(dialogue, 220);
      if (text.split(' ')[0]?.toLowerCase() !== hostname) throw unexpected(text, hostname);
      return `220 ${text}`;
    },
    askForTls: async (dialogue) => {
      requireOffer(await ehlo(dialogue), /^STARTTLS$/i, 'STARTTLS');
      await smtpCommand(dialogue, 'STARTTLS', 220);
    },
    hello: async (dialogue) => {
      const offers = await ehlo(dialogue);
      if (service.auth) requireOffer(offers, /^AUTH\b.*\bPLAIN\b/i, 'AUTH PLAIN');
    },
    bye: async (dialogue) => {
      await smtpCommand(dialogue, 'QUIT', 221);
    },
  };
}

function imap(implicitTls: boolean): ServiceProtocol {
  return {
    implicitTls,
    greet: async (dialogue) => {
      const [line = ''] = await readAnswer(dialogue, /^/, { form: /^\* OK/i, name: '* OK' });
      return line;
    },
    askForTls: async (dialogue) => {
      requireOffer(await imapCommand(dialogue, 'CAPABILITY'), /\bSTARTTLS\b/i, 'STARTTLS');
      await imapCommand(dialogue, 'STARTTLS');
    },
    hello: async (dialogue) => {
      requireOffer(await imapCommand(dialogue, 'CAPABILITY'), /\bIMAP4rev1\b/i, 'IMAP4rev1');
    },
    bye: async (dialogue) => {
      await imapCommand(dialogue, 'LOGOUT');
    },
  };
}

function pop3(implicitTls: boolean): ServiceProtocol {
  return {
    implicitTls,
    greet: async (dialogue) => {
      const [line = ''] = await readAnswer(dialogue, /^/, { form: /^\+OK/, name: '+OK' });
      return line;
    },
    askForTls: (dialogue) => popCommand(dialogue, 'STLS'),
    // POP3 has no exchange between the greeting and the login
    hello: async () => undefined,
    bye: (dialogue) => popCommand(dialogue, 'QUIT'),
  };
}

const sieve: ServiceProtocol = {
  implicitTls: false,
  greet: async (dialogue) => {
    const [line = ''] = await sieveAnswer(dialogue);
    return line;
  },
  askForTls: async (dialogue) => {
    await sieveCommand(dialogue, 'STARTTLS');
  },
  // RFC 5804 2.2: the server greets again within TLS
  hello: async (dialogue) => {
    requireOffer(await sieveAnswer(dialogue), /^"SASL" ".*\bPLAIN\b/i, 'SASL PLAIN');
  },
  bye: async (dialogue) => {
    await sieveCommand(dialogue, 'LOGOUT');
  },
};

export const PROTOCOLS: Readonly<Record<Service, ServiceProtocol>> = {
  smtp: smtp({ implicitTls: false, auth: false }),
  submission: smtp({ implicitTls: false, auth: true }),
  smtps: smtp({ implicitTls: true, auth: true }),
  imap: imap(false),
  imaps: imap(true),
  pop3: pop3(false),
  pop3s: pop3(true),
  sieve,
};
