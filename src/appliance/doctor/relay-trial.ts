// Tests for an open relay: the classic forms of a foreign recipient on port 25, from outside the container, up to
// RCPT.

import type { Dialogue } from '../../host/connect.ts';
import { readDirectory } from '../accounts/accounts.ts';
import { smtpCommand, smtpReply } from '../mail/protocols.ts';
import type { Context } from './context.ts';

const STRANGER = 'stranger@example.net';
const VICTIM = 'victim@example.com';

interface Attempt {
  readonly sender: string;
  readonly recipient: string;
  /** A server that rewrites no addresses takes the recipient for a local one. */
  readonly looksLocal?: boolean;
}

function attempts(own: string): Attempt[] {
  const [local = '', foreign = ''] = VICTIM.split('@');
  return [
    { sender: STRANGER, recipient: VICTIM },
    { sender: '', recipient: VICTIM },
    { sender: `postmaster@${own}`, recipient: VICTIM },
    { sender: STRANGER, recipient: `@${own}:${VICTIM}` },
    { sender: STRANGER, recipient: `${local}%${foreign}@${own}`, looksLocal: true },
    { sender: STRANGER, recipient: `"${VICTIM}"@${own}`, looksLocal: true },
    { sender: STRANGER, recipient: `${foreign}!${local}@${own}`, looksLocal: true },
  ];
}

export interface RelayTrial {
  /** Accepted forms. */
  readonly taken: readonly string[];
  /** Deferred forms: inconclusive. */
  readonly open: readonly string[];
}

/** The last line of a reply (RFC 5321 4.2.1). */
async function replyTo(dialogue: Dialogue, line: string): Promise<string> {
  dialogue.send(line);
  for (;;) {
    const answer = await dialogue.readLine();
    if (!/^\d{3}-/.test(answer)) return answer;
  }
}

// Postfix delays its replies from the third error on (smtpd_soft_error_limit)
const FORMS_PER_SESSION = 2;

/** Tests whether the server relays foreign mail; the sessions end before DATA. */
export async function tryRelay(context: Context, address: string): Promise<RelayTrial> {
  const { host, target } = context;
  const { domain } = target.settings.main;
  const { directory } = await readDirectory(host, target);
  // a catch-all accepts every local part and delivers it locally
  const catchAll = [...directory.aliases.keys()].some((name) => name === `@${domain}`);
  const port = target.settings.ports.smtp ?? 25;
  const trial = { taken: [] as string[], open: [] as string[] };
  const all = attempts(domain).filter(({ looksLocal }) => !looksLocal || !catchAll);
  while (all.length > 0) {
    const few = all.splice(0, FORMS_PER_SESSION);
    await host.sockets.dialogue({ address, port, timeout: 10_000 }, async (dialogue) => {
      await smtpReply(dialogue, 220);
      await smtpCommand(dialogue, 'EHLO stranger.example.net', 250);
      for (const { sender, recipient } of few) {
        const form = `from <${sender}> to <${recipient}>`;
        const from = await replyTo(dialogue, `MAIL FROM:<${sender}>`);
        const to = from.startsWith('2') ? await replyTo(dialogue, `RCPT TO:<${recipient}>`) : from;
        if (to.startsWith('2')) trial.taken.push(form);
        if (to.startsWith('4')) trial.open.push(`${form}: ${to}`);
        if (from.startsWith('2')) await smtpCommand(dialogue, 'RSET', 250);
      }
      await smtpCommand(dialogue, 'QUIT', 221);
    });
  }
  return trial;
}
