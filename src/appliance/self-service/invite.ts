// Invites a person to a mailbox, which is made if it is missing: with a password that nobody knows, until the person
// sets one.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { createMailbox, requireMailbox } from '../accounts/mailboxes.ts';
import type { Mailbox } from '../accounts/model.ts';
import { generatePassword, hashPassword } from '../accounts/password.ts';
import type { Address } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { createInvitation } from './invitations.ts';

export interface Invited {
  readonly mailbox: Mailbox;
  /** The mailbox is new. */
  readonly created: boolean;
  /** A secret: whoever has it sets the password. */
  readonly link: string;
  readonly expires: Date;
}

/** Throws NOT_RUNNING while nothing serves the link. */
export function requirePages({ settings }: Appliance): void {
  if (settings.web.enabled) return;
  throw new MailctlError('NOT_RUNNING', 'the account pages are off (web.enabled is 0)', {
    hint: 'mailctl set web.enabled 1',
  });
}

async function mailboxFor(
  host: Host,
  target: Appliance,
  address: Address,
): Promise<{ mailbox: Mailbox; created: boolean }> {
  try {
    return { mailbox: await requireMailbox(host, target, address), created: false };
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'MAILBOX_UNKNOWN') throw error;
  }
  const hash = hashPassword(generatePassword());
  const { mailbox } = await createMailbox(host, target, { address, hash });
  return { mailbox, created: true };
}

/** The caller holds the appliance's lock. An earlier link for the mailbox becomes void. */
export async function invite(host: Host, target: Appliance, address: Address): Promise<Invited> {
  requirePages(target);
  const { mailbox, created } = await mailboxFor(host, target, address);
  if (!mailbox.active) {
    throw new MailctlError('NOT_RUNNING', `${address} is suspended, so its link would not work`, {
      hint: `mailctl user resume ${address}`,
    });
  }
  const { token, expires } = await createInvitation(host, target.paths, mailbox);
  const link = `https://${target.settings.main.hostname}/invite/${token}`;
  return { mailbox, created, link, expires };
}
