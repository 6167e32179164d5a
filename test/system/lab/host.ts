// A host of the test network with its clients: the source address and the protocol of a connection.

import type { SendMailOptions } from 'nodemailer';
import { type ImapSession, openImap } from '../clients/imap.ts';
import { type Account, submit } from '../clients/mail.ts';
import { openPop3, type Pop3Session } from '../clients/pop3.ts';
import { openSieve, type SieveSession } from '../clients/sieve.ts';
import { deliver, type Envelope, openSmtp, type Reply, type SmtpSession } from '../clients/smtp.ts';
import { type Connect, type Dial, startAgent } from './agent.ts';
import { onHost } from './network.ts';
import type { HostName } from './plan.ts';
import { type Finished, type RunOptions, run } from './programs.ts';

/** Defaults: the mail server's published address and the service's port. */
export type Where = Partial<Dial> & { tls?: boolean };

export interface LabHost {
  connect: Connect;
  run(argv: string[], options?: RunOptions): Promise<Finished>;
  smtp(where?: Where): Promise<SmtpSession>;
  imap(where?: Where): Promise<ImapSession>;
  pop3(where?: Where): Promise<Pop3Session>;
  sieve(where?: Where): Promise<SieveSession>;
  /** Delivers a message on port 25; returns the last reply. */
  deliver(envelope: Envelope, where?: Where & { helo?: string }): Promise<Reply>;
  /** Submits a message; port 465 by default. */
  submit(account: Account, mail: SendMailOptions, where?: Where): Promise<string>;
  /** An authenticated session over implicit TLS. */
  mailbox(account: Account, where?: Where): Promise<ImapSession>;
}

/** @param server the address of the mail server as seen from this host */
export async function startHost(name: HostName, server: string): Promise<LabHost> {
  const connect = await startAgent(name);
  const to = (port: number, where: Where = {}) => ({ host: server, port, ...where });
  const tlsTo = (port: number, where: Where = {}) => ({ tls: true, ...to(port, where) });
  return {
    connect,
    run: (argv, options) => run(onHost(name, argv), options),
    smtp: (where) => openSmtp(connect, to(25, where)),
    imap: (where) => openImap(connect, to(143, where)),
    pop3: (where) => openPop3(connect, to(110, where)),
    sieve: (where) => openSieve(connect, to(4190, where)),
    deliver: async (envelope, where = {}) => {
      const session = await openSmtp(connect, to(25, where));
      await session.hello({ name: where.helo ?? 'client.outside.test' });
      const reply = await deliver(session, envelope);
      session.close();
      return reply;
    },
    submit: async (account, mail, where) => {
      const sent: unknown = await submit(connect, to(465, where), account, mail);
      return String((sent as { response?: string }).response ?? '');
    },
    mailbox: async (account, where) => {
      const session = await openImap(connect, tlsTo(993, where));
      const reply = await session.login(account.user, account.password);
      if (reply.status !== 'OK') throw new Error(`${account.user} cannot log in: ${reply.text}`);
      return session;
    },
  };
}
