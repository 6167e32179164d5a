// One answer for each request of the closed list. A request names a mailbox only by a token that it holds, or by its
// address together with its password.

import type { Ask, Of, Reply, Request } from '../../front/requests.ts';
import { digestText } from '../../host/digest.ts';
import type { Mailbox } from '../accounts/model.ts';
import { addAppPassword, removeAppPassword, requireAppPasswords } from './app-passwords.ts';
import {
  addressOf,
  agree,
  countFailure,
  type Desk,
  endMailSessions,
  findMailbox,
  findSignedIn,
  isRefused,
  refuse,
  underLock,
} from './desk.ts';
import { accountFacts, personOf, serverFacts } from './facts.ts';
import { dropInvitation, findInvitation, mayReplace } from './invitations.ts';
import { confirm, hashNew, isPasswordOf, replacePassword } from './passwords.ts';

/** The account of attempts with a token, which names none: only the client counts. */
const NO_ACCOUNT = null;

/** The mailbox that an invitation is for; null when the link is void. */
async function invited(desk: Desk, token: string): Promise<Mailbox | null> {
  const invitation = await findInvitation(desk.host, desk.target.paths, digestText(token));
  if (invitation === null) return null;
  const mailbox = await findMailbox(desk, addressOf(invitation.address));
  return mailbox !== null && mayReplace(invitation, mailbox.hash) ? mailbox : null;
}

async function openInvitation(
  desk: Desk,
  { token, from }: Pick<Of<'invitation'>, 'token' | 'from'>,
): Promise<Reply<'invitation'>> {
  if (isRefused(desk, from, NO_ACCOUNT)) return refuse('later');
  const mailbox = await invited(desk, token);
  if (mailbox !== null) return agree(personOf(mailbox));
  countFailure(desk, from, NO_ACCOUNT);
  return refuse('link');
}

async function redeem(
  desk: Desk,
  { token, password, from }: Of<'redeem'>,
): Promise<Reply<'redeem'>> {
  const opened = await openInvitation(desk, { token, from });
  if (!opened.ok) return opened;
  const hashed = await hashNew(desk, password);
  if (!hashed.ok) return hashed;
  return underLock(desk, async () => {
    const mailbox = await invited(desk, token);
    if (mailbox === null) return refuse('link');
    // whoever had the mailbox before may have made app passwords
    const fresh = { hash: hashed.hash, appPasswords: [], appPasswordsOnly: false };
    const changed = await replacePassword(desk, mailbox, fresh);
    await dropInvitation(desk.host, desk.target.paths, digestText(token));
    desk.log(`${changed.address} has set a password by invitation (client ${from})`);
    return agree(personOf(changed));
  });
}

async function signIn(
  desk: Desk,
  { address, password, from }: Of<'sign-in'>,
): Promise<Reply<'sign-in'>> {
  const account = addressOf(address);
  if (isRefused(desk, from, account)) return refuse('later');
  const mailbox = await findMailbox(desk, account);
  const right = await isPasswordOf(desk, mailbox, password);
  if (right === null) return refuse('busy');
  if (mailbox === null || !right) {
    countFailure(desk, from, account);
    return refuse('login');
  }
  desk.log(`${mailbox.address} has signed in to the account pages (client ${from})`);
  return agree({ session: await desk.sessions.open(mailbox, desk.host.clock.now()) });
}

async function setPassword(
  desk: Desk,
  { session, old, password, from }: Of<'set-password'>,
): Promise<Reply<'set-password'>> {
  const confirmed = await confirm(desk, { session, password: old, from });
  if (!confirmed.ok) return confirmed;
  const mailbox = confirmed.answer;
  const hashed = await hashNew(desk, password);
  if (!hashed.ok) return hashed;
  return underLock(desk, async () => {
    // the password may have changed while this request waited for the lock
    if ((await findSignedIn(desk, session)) === null) return refuse('session');
    const changed = await replacePassword(desk, mailbox, { hash: hashed.hash });
    desk.log(`${changed.address} has changed the password (client ${from})`);
    return agree({ session: await desk.sessions.open(changed, desk.host.clock.now()) });
  });
}

async function signOut(
  desk: Desk,
  { session, everywhere, from }: Of<'sign-out'>,
): Promise<Reply<'sign-out'>> {
  const mailbox = await findSignedIn(desk, session);
  if (mailbox === null) return refuse('session');
  if (everywhere !== true) {
    await desk.sessions.close(session);
    return agree(personOf(mailbox));
  }
  await desk.sessions.closeAll(mailbox.address);
  await endMailSessions(desk, mailbox.address);
  desk.log(`${mailbox.address} has signed out everywhere (client ${from})`);
  return agree(personOf(mailbox));
}

async function showAccount(desk: Desk, { session }: Of<'account'>): Promise<Reply<'account'>> {
  const mailbox = await findSignedIn(desk, session);
  return mailbox === null ? refuse('session') : agree(await accountFacts(desk, mailbox));
}

const ANSWERS: { readonly [A in Ask]: (desk: Desk, request: Of<A>) => Promise<Reply<A>> } = {
  server: async (desk) => agree(await serverFacts(desk)),
  invitation: openInvitation,
  redeem,
  'sign-in': signIn,
  account: showAccount,
  'set-password': setPassword,
  'add-app-password': addAppPassword,
  'remove-app-password': removeAppPassword,
  'require-app-passwords': requireAppPasswords,
  'sign-out': signOut,
};

/** The request has been checked against the list. */
export function answerTo(desk: Desk, request: Request): Promise<Reply> {
  const answer = ANSWERS[request.ask] as (desk: Desk, request: Request) => Promise<Reply>;
  return answer(desk, request);
}
