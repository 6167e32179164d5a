// App passwords on behalf of the owner of a mailbox. What weakens or strengthens the mailbox needs the password once more:
// a browser that was left open is not enough.

import { MailctlError } from '../../errors.ts';
import type { Of, Reply } from '../../front/requests.ts';
import { changeDirectory } from '../accounts/accounts.ts';
import {
  createAppPassword,
  parseAppPasswordName,
  withAppPassword,
  withoutAppPassword,
} from '../accounts/app-password.ts';
import { changeMailbox, getMailbox } from '../accounts/changes.ts';
import { agree, type Desk, endMailSessions, findSignedIn, refuse, underLock } from './desk.ts';
import { personOf } from './facts.ts';
import { confirm } from './passwords.ts';

/** The refusal `name` for a name that is not fit; other errors are thrown on. */
async function unlessUnfit<T>(work: () => Promise<T>) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MailctlError && error.code === 'APP_PASSWORD_INVALID') {
      return refuse('name');
    }
    throw error;
  }
}

export async function addAppPassword(
  desk: Desk,
  { session, password, name, use, from }: Of<'add-app-password'>,
): Promise<Reply<'add-app-password'>> {
  const confirmed = await confirm(desk, { session, password, from });
  if (!confirmed.ok) return confirmed;
  const { address } = confirmed.answer;
  const { host, target, log } = desk;
  return unlessUnfit(async () => {
    const wanted = { name: parseAppPasswordName(name), use };
    const added = createAppPassword(wanted, host.clock.now());
    return underLock<'add-app-password'>(desk, async () => {
      if ((await findSignedIn(desk, session)) === null) return refuse('session');
      await changeDirectory(host, target, (draft) => {
        const { appPasswords } = getMailbox(draft, address);
        const after = withAppPassword(appPasswords, added.stored);
        return changeMailbox(draft, { address, appPasswords: after });
      });
      log(`${address} has made the app password ${added.stored.id} (client ${from})`);
      return agree({ password: added.password });
    });
  });
}

export async function removeAppPassword(
  desk: Desk,
  { session, id, from }: Of<'remove-app-password'>,
): Promise<Reply<'remove-app-password'>> {
  const { host, target, log } = desk;
  return underLock<'remove-app-password'>(desk, async () => {
    const mailbox = await findSignedIn(desk, session);
    if (mailbox === null) return refuse('session');
    const { address } = mailbox;
    // gone already: the page was opened twice
    if (!mailbox.appPasswords.some((one) => one.id === id)) return agree(personOf(mailbox));
    const appPasswords = withoutAppPassword(mailbox.appPasswords, id);
    await changeDirectory(host, target, (draft) => changeMailbox(draft, { address, appPasswords }));
    await endMailSessions(desk, address);
    log(`${address} has revoked the app password ${id} (client ${from})`);
    return agree(personOf(mailbox));
  });
}

export async function requireAppPasswords(
  desk: Desk,
  { session, password, on, from }: Of<'require-app-passwords'>,
): Promise<Reply<'require-app-passwords'>> {
  const confirmed = await confirm(desk, { session, password, from });
  if (!confirmed.ok) return confirmed;
  const { address } = confirmed.answer;
  const { host, target, log } = desk;
  return underLock<'require-app-passwords'>(desk, async () => {
    if ((await findSignedIn(desk, session)) === null) return refuse('session');
    const changed = await changeDirectory(host, target, (draft) =>
      changeMailbox(draft, { address, appPasswordsOnly: on }),
    );
    if (on) await endMailSessions(desk, address);
    log(
      `mail programs of ${address} ${on ? '' : 'no longer '}need an app password (client ${from})`,
    );
    return agree(personOf(changed));
  });
}
