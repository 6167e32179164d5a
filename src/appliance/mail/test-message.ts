// Sends a test message from the postmaster to any address, signed like submitted mail, and reports its delivery.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { randomHex } from '../../host/keys.ts';
import { markLogEnd } from '../../host/log-folder.ts';
import { runInside } from '../../host/lxc.ts';
import { presentable } from '../../host/programs.ts';
import type { Address } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { watchLog } from './logs.ts';
import { isDecided, learnFrom, type MessageFate, UNKNOWN_FATE } from './test-message-log.ts';

// Postfix's service `operator` (lxc-template/mail/rootfs/etc/postfix/master.cf): only root can connect
const SOCKET = '/var/spool/postfix/private/operator';

export interface TestMessage {
  readonly from: string;
  readonly to: Address;
  readonly id: string;
  readonly date: Date;
  readonly hostname: string;
}

/** RFC 5322 §3.3 */
function formatDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}

/** A message that the appliance itself sends to one recipient. */
export interface Message {
  readonly to: Address;
  readonly subject: string;
  readonly lines: readonly string[];
}

const MAX_LINE = 900;

/** RFC 5322: replaces control characters of names and log lines by blanks and limits the line length. */
function composeOwn(
  { to, subject, lines }: Message,
  { from, id, date, hostname }: { from: string; id: string; date: Date; hostname: string },
): string[] {
  const plain = (text: string) => text.replace(/\p{Cc}/gu, ' ').slice(0, MAX_LINE);
  const body = lines.flatMap((line) => line.split('\n')).map(plain);
  const ascii = body.every((line) => /^[ -~]*$/.test(line));
  return [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${subject.replace(/[^ -~]/g, '?').slice(0, 200)}`,
    `Date: ${formatDate(date)}`,
    `Message-ID: <${id}@${hostname}>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    `Content-Type: text/plain; charset=${ascii ? 'us-ascii' : 'utf-8'}`,
    ...(ascii ? [] : ['Content-Transfer-Encoding: 8bit']),
    '',
    // RFC 5321 4.5.2: dot stuffing
    ...body.map((line) => (line.startsWith('.') ? `.${line}` : line)),
  ];
}

function composeTestMessage({ from, to, id, date, hostname }: TestMessage): string[] {
  return [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: Test message from ${hostname}`,
    `Date: ${formatDate(date)}`,
    `Message-ID: <${id}@${hostname}>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `This is a test message from the mail server ${hostname}.`,
    'Its operator ran: mailctl test',
    'No reply is needed.',
  ];
}

interface Envelope {
  readonly from: string;
  readonly to: Address;
  readonly hostname: string;
  readonly text: readonly string[];
}

function dialogue({ from, to, hostname, text }: Envelope): string {
  const lines = [
    `EHLO ${hostname}`,
    `MAIL FROM:<${from}>`,
    `RCPT TO:<${to}>`,
    'DATA',
    ...text,
    '.',
    'QUIT',
  ];
  return `${lines.join('\r\n')}\r\n`;
}

export type Submission =
  | { readonly queueId: string }
  | { readonly refused: string; readonly temporary: boolean };

/** Parses the server's replies. Throws PROGRAM_FAILED if there is no final reply. */
export function parseSubmission(answers: string): Submission {
  const queueId = /^250 2\.0\.0 Ok: queued as ([0-9A-Za-z]+)\r?$/m.exec(answers)?.[1];
  if (queueId !== undefined) return { queueId };
  const [refused, first] = /^([45])\d\d .*$/m.exec(answers) ?? [];
  if (refused === undefined) {
    throw new MailctlError('PROGRAM_FAILED', 'Postfix did not accept the message', {
      hint: 'mailctl logs 20 --daemon postfix',
    });
  }
  return { refused: presentable(refused, [], 1), temporary: first === '4' };
}

async function submit(host: Host, target: Appliance, message: Envelope): Promise<Submission> {
  const command = ['s6-ipcclient', SOCKET, 's6-ioconnect'];
  const { stdout } = await runInside(host, containerRef(target), command, {
    input: dialogue(message),
    timeout: 60_000,
    accept: [1, 111],
  });
  return parseSubmission(stdout);
}

export interface TestReport {
  readonly from: string;
  readonly queueId: string | null;
  readonly outcome: 'delivered' | 'deferred' | 'bounced' | 'refused' | 'waiting';
  /** DKIM-signed. */
  readonly signed: boolean;
  /** The reply of the receiving server. */
  readonly words: string | null;
  /** The server that replied; null if no server was reached. */
  readonly relay: string | null;
}

// the worst outcome of all recipients counts
const ORDER = ['bounced', 'deferred', 'delivered'] as const;

export function concludeFate(fate: MessageFate): Pick<TestReport, 'outcome' | 'words' | 'relay'> {
  for (const outcome of ORDER) {
    const found = fate.deliveries.find((delivery) => delivery.outcome === outcome);
    if (found !== undefined) return { outcome, words: found.words, relay: found.relay };
  }
  return { outcome: 'waiting', words: null, relay: null };
}

/** Sends the message and waits up to `timeout` milliseconds for its delivery. */
export async function sendTestMessage(
  host: Host,
  target: Appliance,
  wanted: { to: Address; id: string; timeout: number },
): Promise<TestReport> {
  const { hostname, domain } = target.settings.main;
  const from = `postmaster@${domain}`;
  const mark = await markLogEnd(host, target.paths.log);
  const date = host.clock.now();
  const { to, id } = wanted;
  const text = composeTestMessage({ from, to, id, date, hostname });
  const sent = await submit(host, target, { from, to, hostname, text });
  if ('refused' in sent) {
    const outcome = sent.temporary ? 'deferred' : 'refused';
    return { from, queueId: null, outcome, signed: false, words: sent.refused, relay: null };
  }
  const deadline = date.getTime() + wanted.timeout;
  let fate: MessageFate = UNKNOWN_FATE;
  for await (const lines of watchLog(host, target.paths, { from: mark })) {
    for (const { text } of lines) fate = learnFrom(fate, text, sent.queueId);
    if (isDecided(fate) || host.clock.now().getTime() >= deadline) break;
  }
  return { from, queueId: sent.queueId, signed: fate.signed, ...concludeFate(fate) };
}

/** Sends a message of the appliance itself, from the postmaster; returns when Postfix has queued or refused it. */
export async function submitOwn(
  host: Host,
  target: Appliance,
  message: Message,
): Promise<Submission> {
  const { hostname, domain } = target.settings.main;
  const from = `postmaster@${domain}`;
  const about = { from, id: randomHex(16), date: host.clock.now(), hostname };
  const text = composeOwn(message, about);
  return submit(host, target, { from, to: message.to, hostname, text });
}
