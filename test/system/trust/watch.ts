// Observes the server from outside while keys, certificates and addresses change: a sender checks DANE with the cache of
// its validating resolver, and mail flows in both directions. Signatures are checked at arrival, and every message
// must arrive exactly once.

import { verifyDkim } from '../clients/dkim.ts';
import type { Lab } from '../lab/lab.ts';
import { NETWORK } from '../lab/plan.ts';
import { waitFor } from '../lab/programs.ts';
import { startResolver } from './resolver.ts';

export interface Watch {
  /** Faults since the start, with their times. */
  readonly faults: string[];
  /** Numbers of successes. */
  readonly counts: { handshakes: number; sent: number; received: number };
  readonly selectors: Set<string>;
  stop(): Promise<void>;
}

interface Account {
  readonly user: string;
  readonly password: string;
}

const MAIL = 'mail.example.test';
const SMTP_PORTS = [25, 465, 587];
export async function watch(lab: Lab, account: Account): Promise<Watch> {
  const faults: string[] = [];
  const counts = { handshakes: 0, sent: 0, received: 0 };
  const selectors = new Set<string>();
  const resolver = await startResolver(lab);
  const lookup = resolver.secure;
  const accepted: Record<'out' | 'in', string[]> = { out: [], in: [] };
  let stopped = false;
  const fault = (text: string): void => {
    faults.push(`${new Date().toISOString()} ${text}`);
  };
  const address = async () => (await lookup(`${MAIL}.`, 'A'))[0] ?? NETWORK.router.wan;

  /** DANE (RFC 7672) with OpenSSL: only the TLSA records count, not the CA. */
  const handshake = async (port: number): Promise<void> => {
    const records = await lookup(`_${port}._tcp.${MAIL}.`, 'TLSA');
    if (records.length === 0) return fault(`no TLSA record for port ${port}`);
    const data = records.flatMap((record) => ['-dane_tlsa_rrdata', record]);
    const start = port === 465 ? [] : ['-starttls', 'smtp'];
    const words = ['-connect', `${await address()}:${port}`, '-brief', ...start];
    const dane = ['-dane_tlsa_domain', MAIL, ...data, '-verify_return_error'];
    const { stdout, stderr } = await lab.wan.run(['openssl', 's_client', ...words, ...dane], {
      ...{ stdin: '', timeout: 15_000 },
    });
    const said = `${stdout}${stderr}`;
    if (said.includes('Verification: OK') && said.includes('DANE TLSA')) counts.handshakes += 1;
    else fault(`DANE on ${port}: ${said.trim().slice(0, 300)}`);
  };

  const send = async (subject: string) => {
    const text = `${subject}\nnothing else`;
    await lab.lan.submit(account, { from: account.user, to: 'friend@outside.test', subject, text });
    accepted.out.push(subject);
    const { raw } = await lab.mx.receive((one) => one.raw.includes(`Subject: ${subject}`), 30_000);
    const signatures = await verifyDkim({ lookup }, raw);
    const good = signatures.filter(
      ({ result, domain }) => result === 'pass' && domain === 'example.test',
    );
    for (const { selector } of good) selectors.add(selector);
    if (signatures.length === 1 && good.length === 1) counts.sent += 1;
    else fault(`${subject}: ${JSON.stringify(signatures)}`);
  };

  const deliver = async (subject: string) => {
    const message = `From: a@outside.test\r\nTo: ${account.user}\r\nSubject: ${subject}\r\n\r\nhello\r\n`;
    const envelope = { from: 'visitor@outside.test', to: [account.user], message };
    const where = { host: await address(), from: NETWORK.stranger, helo: 'client.outside.test' };
    const reply = await lab.wan.deliver(envelope, where);
    if (reply.code === 250) {
      accepted.in.push(subject);
      counts.received += 1;
    } else fault(`${subject}: ${reply.code} ${reply.text}`);
  };

  const repeat = async (pause: number, what: (round: number) => Promise<void>) => {
    for (let round = 0; !stopped; round += 1) {
      try {
        await what(round);
      } catch (error) {
        fault(String(error));
      }
      await Bun.sleep(pause);
    }
  };

  const loops = [
    repeat(900, (round) => handshake(SMTP_PORTS[round % SMTP_PORTS.length] ?? 25)),
    repeat(1200, (round) => send(`out-${round}-`)),
    repeat(1500, (round) => deliver(`in-${round}-`)),
  ];
  const end = async () => {
    stopped = true;
    await Promise.all(loops);
    await resolver.stop();
    try {
      const inside = await mailbox(lab, account, accepted.in);
      for (const text of notOnce(accepted.in, inside)) fault(`inside ${text}`);
    } catch (error) {
      fault(String(error));
    }
    const outside = lab.mx.messages.map(({ raw }) => raw);
    for (const text of notOnce(accepted.out, outside)) fault(`outside ${text}`);
  };
  let ended: Promise<void> | undefined;
  return {
    ...{ faults, counts, selectors },
    stop: () => {
      ended ??= end();
      return ended;
    },
  };
}

/** The messages of the user; waits until the accepted ones have arrived. */
async function mailbox(lab: Lab, account: Account, subjects: readonly string[]): Promise<string[]> {
  let messages: string[] = [];
  const session = await lab.lan.mailbox(account);
  await waitFor('every message in the mailbox', async () => {
    messages = [...(await session.messages('INBOX')), ...(await session.messages('Junk'))];
    return notOnce(subjects, messages).length === 0 ? true : undefined;
  }).catch(() => undefined);
  session.close();
  return messages;
}

/** The accepted subjects that are lost or duplicate. */
function notOnce(subjects: readonly string[], messages: readonly string[]): string[] {
  return subjects.flatMap((subject) => {
    const count = messages.filter((raw) => raw.includes(`Subject: ${subject}`)).length;
    return count === 1 ? [] : [`${subject} arrived ${count} times`];
  });
}
