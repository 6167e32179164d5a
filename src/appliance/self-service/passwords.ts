// Checks and changes the password of a mailbox on behalf of its owner.

import { MailctlError } from '../../errors.ts';
import { changeDirectory } from '../accounts/accounts.ts';
import { changeMailbox, type MailboxChange } from '../accounts/changes.ts';
import type { Mailbox } from '../accounts/model.ts';
import { hashPassword } from '../accounts/password.ts';
import { verifyPassword } from '../accounts/verify.ts';
import {
  agree,
  countFailure,
  type Desk,
  endMailSessions,
  findSignedIn,
  isRefused,
  type Refused,
  refuse,
} from './desk.ts';

/** Of no password. Checking it takes as long as checking a real one, so that time does not tell who has a mailbox. */
const NOBODY =
  '{ARGON2ID}$argon2id$v=19$m=9216,t=4,p=1$bm90aGluZyBpcyBzdG9yZWQ$YmUgYSBkaWdlc3Qgb2YgYW55IHBhc3N3b3JkIG9mIDMyIGI';

/** Null when a turn has not come: too many wait. False without a mailbox. */
export async function isPasswordOf(
  { turns }: Desk,
  mailbox: Mailbox | null,
  password: string,
): Promise<boolean | null> {
  const turn = await turns.take(() => verifyPassword(mailbox?.hash ?? NOBODY, password));
  return turn === null ? null : turn.value && mailbox !== null;
}

/** The mailbox of a session whose owner has typed the password once more. */
export async function confirm(
  desk: Desk,
  { session, password, from }: { session: string; password: string; from: string },
): Promise<{ readonly ok: true; readonly answer: Mailbox } | Refused> {
  const mailbox = await findSignedIn(desk, session);
  if (mailbox === null) return refuse('session');
  if (isRefused(desk, from, mailbox.address)) return refuse('later');
  const right = await isPasswordOf(desk, mailbox, password);
  if (right === null) return refuse('busy');
  if (right) return agree(mailbox);
  countFailure(desk, from, mailbox.address);
  return refuse('login');
}

/** The hash of a new password, or why there is none. */
export async function hashNew(
  { turns }: Desk,
  password: string,
): Promise<{ readonly ok: true; readonly hash: string } | Refused> {
  try {
    const turn = await turns.take(async () => hashPassword(password));
    return turn === null ? refuse('busy') : { ok: true, hash: turn.value };
  } catch (error) {
    if (error instanceof MailctlError && error.code === 'PASSWORD_INVALID') {
      return refuse('password');
    }
    throw error;
  }
}

/** Ends all that the former password has opened. The caller holds the appliance's lock. */
export async function replacePassword(
  desk: Desk,
  { address }: Mailbox,
  change: { hash: string } & Partial<MailboxChange>,
): Promise<Mailbox> {
  const changed = await changeDirectory(desk.host, desk.target, (draft) =>
    changeMailbox(draft, { address, ...change }),
  );
  await desk.sessions.closeAll(address);
  await endMailSessions(desk, address);
  return changed;
}
