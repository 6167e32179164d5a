// An SMTP client that sends exactly the test's lines and returns exactly the server's replies.

import type { Connect, Dial } from '../lab/agent.ts';
import { type Connection, openConnection } from './connection.ts';

export interface Reply {
  code: number;
  lines: string[];
  /** the reply as one text, without the codes */
  text: string;
}

export interface SmtpSession extends Connection {
  greeting: Reply;
  /** Sends one command line and returns the reply. */
  command(line: string): Promise<Reply>;
  readReply(timeout?: number): Promise<Reply>;
  /** EHLO; STARTTLS and EHLO again when `starttls` is set. */
  hello(options?: { name?: string; starttls?: boolean }): Promise<Reply>;
  /** AUTH PLAIN. */
  login(user: string, password: string): Promise<Reply>;
  /** DATA with dot-stuffing and the final dot; returns the reply to the message. */
  data(message: string, timeout?: number): Promise<Reply>;
}

export interface Envelope {
  from: string;
  to: string[];
  message: string;
  /** timeout for the reply to the message, milliseconds */
  timeout?: number;
}

export async function openSmtp(
  connect: Connect,
  dial: Dial & { tls?: boolean },
): Promise<SmtpSession> {
  const connection = openConnection(await connect(dial));
  if (dial.tls) await connection.startTls();

  const readReply = async (timeout?: number): Promise<Reply> => {
    const lines: string[] = [];
    for (;;) {
      const line = await connection.readLine(timeout);
      lines.push(line.slice(4));
      if (line[3] !== '-') return { code: Number(line.slice(0, 3)), lines, text: lines.join('\n') };
    }
  };
  const command = (line: string): Promise<Reply> => {
    connection.say(line);
    return readReply();
  };

  const greeting = await readReply();
  return Object.assign(Object.create(connection) as Connection, {
    greeting,
    command,
    readReply,
    hello: async ({ name = 'client.outside.test', starttls = false } = {}) => {
      const first = await command(`EHLO ${name}`);
      if (!starttls) return first;
      const ready = await command('STARTTLS');
      if (ready.code !== 220) return ready;
      await connection.startTls();
      return command(`EHLO ${name}`);
    },
    login: (user: string, password: string) =>
      command(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`),
    data: async (message: string, timeout = 60_000) => {
      const ready = await command('DATA');
      if (ready.code !== 354) return ready;
      const body = message.replace(/\r?\n/g, '\r\n').replace(/^\./gm, '..');
      connection.write(Buffer.from(`${body}${body.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1'));
      return readReply(timeout);
    },
  });
}

/** Sends one message in one session; returns the first reply that is not a success, or the last one. */
export async function deliver(session: SmtpSession, envelope: Envelope): Promise<Reply> {
  const from = await session.command(`MAIL FROM:<${envelope.from}>`);
  if (from.code !== 250) return from;
  for (const recipient of envelope.to) {
    const reply = await session.command(`RCPT TO:<${recipient}>`);
    if (reply.code !== 250) return reply;
  }
  return session.data(envelope.message, envelope.timeout);
}
