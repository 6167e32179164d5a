// Messages for the tests, and submission with a mail client library (Nodemailer).

import { createTransport, type SendMailOptions, type SentMessageInfo } from 'nodemailer';
import type { Connect, Dial } from '../lab/agent.ts';

export interface Account {
  user: string;
  password: string;
}

/** Submits a message like a mail client: implicit TLS on 465, STARTTLS on other ports, then AUTH. */
export async function submit(
  connect: Connect,
  dial: Dial,
  account: Account,
  mail: SendMailOptions,
): Promise<SentMessageInfo> {
  const transport = createTransport({
    host: dial.host,
    port: dial.port,
    secure: dial.port === 465,
    requireTLS: dial.port !== 465,
    name: 'laptop.lan',
    auth: { user: account.user, pass: account.password },
    tls: { rejectUnauthorized: false },
    getSocket: (_options, done) => {
      connect(dial).then(
        (connection) => done(null, { connection }),
        (error: Error) => done(error, false),
      );
    },
  });
  try {
    return await transport.sendMail(mail);
  } finally {
    transport.close();
  }
}

/** A plain message with the usual headers; `extra` are whole header lines. */
export function plainMessage(
  { from, to, subject }: { from: string; to: string; subject: string },
  body = 'Hello.',
  extra: string[] = [],
): string {
  const id = `${crypto.randomUUID()}@${from.split('@')[1] ?? 'outside.test'}`;
  return [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${subject}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    ...extra,
    '',
    body,
    '',
  ].join('\r\n');
}
