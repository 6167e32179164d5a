// Dialogues with the running server as the internal probe account: TLS with the installed certificate, a login,
// a message sent and received.

import { MailctlError } from '../../errors.ts';
import type { Dialogue, PeerCertificate } from '../../host/connect.ts';
import type { Host } from '../../host/host.ts';
import {
  imapCommand,
  PROTOCOLS,
  popCommand,
  type Service,
  smtpCommand,
} from '../mail/protocols.ts';
import { PROBE_ADDRESS } from '../render/postfix.ts';
import type { Settings } from '../settings/settings.ts';

export interface ProbeContext {
  readonly host: Host;
  readonly settings: Settings;
  /** IP address of the container. */
  readonly address: string;
  /** SHA-256 of the expected certificate; null if no certificate is installed, undefined to accept any. */
  readonly fingerprint: string | null | undefined;
  readonly password: string;
  /** Milliseconds for one connection; default ATTEMPT_MS. */
  readonly attempt?: number;
  /** Milliseconds since 1970. */
  readonly deadline: number;
}

const ATTEMPT_MS = 8000;
const ARRIVAL_INTERVAL_MS = 100;

function timeLeft(context: ProbeContext): number {
  return Math.max(50, context.deadline - context.host.clock.now().getTime());
}

function checkCertificate(context: ProbeContext, { fingerprint }: PeerCertificate): void {
  if (context.fingerprint === undefined) return;
  if (context.fingerprint === null) {
    throw new MailctlError('PROBE_FAILED', 'no certificate is installed in the ssl folder');
  }
  if (fingerprint === context.fingerprint) return;
  const shown = fingerprint.slice(0, 16);
  const wanted = context.fingerprint.slice(0, 16);
  throw new MailctlError(
    'PROBE_FAILED',
    `the server shows certificate ${shown}… instead of the installed ${wanted}…`,
  );
}

/** Connects with TLS, runs `talk`, quits. Also returns a description of the connection. */
async function withService<T>(
  context: ProbeContext,
  service: Service,
  talk: (dialogue: Dialogue) => Promise<T>,
): Promise<{ seen: string; result: T }> {
  const { address, settings } = context;
  const port = settings.ports[service];
  if (port === null) throw new Error(`probe of ${service}, which is disabled`);
  const { implicitTls: tls, ...protocol } = PROTOCOLS[service];
  const { hostname } = settings.main;
  const timeout = Math.min(context.attempt ?? ATTEMPT_MS, timeLeft(context));
  const target = { address, port, tls, serverName: hostname, timeout };
  return context.host.sockets.dialogue(target, async (dialogue, immediate) => {
    const greeting = await protocol.greet(dialogue, hostname);
    if (immediate === null) await protocol.askForTls(dialogue);
    const certificate = immediate ?? (await dialogue.startTls());
    checkCertificate(context, certificate);
    await protocol.hello(dialogue);
    const result = await talk(dialogue);
    await protocol.bye(dialogue);
    return { seen: `${greeting}; ${certificate.protocol}, certificate as installed`, result };
  });
}

export async function probeListener(context: ProbeContext, service: Service): Promise<string> {
  return (await withService(context, service, async () => undefined)).seen;
}

/** The first enabled one of these services. */
export function firstOf<Name extends Service>(
  { ports }: Settings,
  services: readonly Name[],
): Name | null {
  return services.find((service) => ports[service] !== null) ?? null;
}

async function imapLogin(dialogue: Dialogue, password: string): Promise<void> {
  await imapCommand(dialogue, `LOGIN ${PROBE_ADDRESS} "${password}"`);
  await imapCommand(dialogue, 'SELECT INBOX');
}

async function popLogin(dialogue: Dialogue, password: string): Promise<void> {
  await popCommand(dialogue, `USER ${PROBE_ADDRESS}`);
  await popCommand(dialogue, `PASS ${password}`);
}

async function smtpLogin(dialogue: Dialogue, password: string): Promise<void> {
  const credentials = Buffer.from(`\0${PROBE_ADDRESS}\0${password}`).toString('base64');
  await smtpCommand(dialogue, `AUTH PLAIN ${credentials}`, 235);
}

const LOGINS = {
  ...{ imaps: imapLogin, imap: imapLogin, pop3s: popLogin, pop3: popLogin },
  ...{ smtps: smtpLogin, submission: smtpLogin },
};

export async function probeLogin(
  context: ProbeContext,
  service: keyof typeof LOGINS,
): Promise<string> {
  const login = LOGINS[service];
  await withService(context, service, (dialogue) => login(dialogue, context.password));
  return `${PROBE_ADDRESS} logs in on ${service}`;
}

function messageLines(context: ProbeContext, token: string): string[] {
  const date = context.host.clock.now().toUTCString().replace('GMT', '+0000');
  return [
    `From: <${PROBE_ADDRESS}>`,
    `To: <${PROBE_ADDRESS}>`,
    `Date: ${date}`,
    `Message-ID: <${token}@probe.invalid>`,
    'Subject: mailctl checks that mail flows',
    '',
    'This message goes from the probe account to itself and is deleted when it has arrived.',
    '.',
  ];
}

/** Sends the message with this token; returns the server's reply. */
export async function submitProbe(
  context: ProbeContext,
  service: 'submission' | 'smtps',
  token: string,
): Promise<string> {
  const { result } = await withService(context, service, async (dialogue) => {
    await smtpLogin(dialogue, context.password);
    await smtpCommand(dialogue, `MAIL FROM:<${PROBE_ADDRESS}>`, 250);
    await smtpCommand(dialogue, `RCPT TO:<${PROBE_ADDRESS}>`, 250);
    await smtpCommand(dialogue, 'DATA', 354);
    const [last = '', ...rest] = messageLines(context, token).reverse();
    for (const line of rest.reverse()) dialogue.send(line);
    return smtpCommand(dialogue, last, 250);
  });
  return result.join(' ');
}

function foundUids(lines: readonly string[]): string[] {
  const found = lines.find((line) => /^\* SEARCH\b/i.test(line)) ?? '';
  return found
    .split(' ')
    .slice(2)
    .filter((uid) => /^\d+$/.test(uid));
}

/** The lines of the literal in a reply to FETCH (RFC 3501 7.4.2). */
function fetchedLines(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => /^\* \d+ FETCH .*\{\d+\}$/i.test(line));
  const size = Number(/\{(\d+)\}$/.exec(lines[first] ?? '')?.[1] ?? 0);
  const text: string[] = [];
  let left = size;
  for (const line of lines.slice(first + 1)) {
    if (left <= 0) break;
    text.push(line);
    left -= line.length + 2;
  }
  return text;
}

/** Waits in one session for the message and deletes it; returns its text, in Latin-1. */
export async function takeProbe(
  context: ProbeContext,
  service: 'imap' | 'imaps',
  token: string,
): Promise<string> {
  const { result } = await withService(context, service, async (dialogue) => {
    await imapLogin(dialogue, context.password);
    for (;;) {
      const uids = foundUids(await imapCommand(dialogue, `UID SEARCH HEADER Message-ID ${token}`));
      const [uid] = uids;
      if (uid !== undefined) {
        const lines = fetchedLines(await imapCommand(dialogue, `UID FETCH ${uid} BODY.PEEK[]`));
        await imapCommand(dialogue, `UID STORE ${uids.join(',')} +FLAGS.SILENT (\\Deleted)`);
        await imapCommand(dialogue, 'EXPUNGE');
        return lines.map((line) => `${line}\r\n`).join('');
      }
      if (timeLeft(context) <= ARRIVAL_INTERVAL_MS) {
        throw new MailctlError('PROBE_FAILED', 'the message was accepted but did not arrive');
      }
      await context.host.clock.sleep(ARRIVAL_INTERVAL_MS);
      await imapCommand(dialogue, 'NOOP');
    }
  });
  return result;
}
