// What everybody may know of the server, and what its owner may know of a mailbox.

import type { AccountFacts, Person, ServerFacts, Use } from '../../front/requests.ts';
import { mailDomains } from '../accounts/accounts.ts';
import { type LastUse, readLastUses } from '../accounts/last-use.ts';
import type { Mailbox } from '../accounts/model.ts';
import { mtaStsPolicy } from '../dns/mta-sts.ts';
import type { Desk } from './desk.ts';

export async function serverFacts({ host, target }: Desk): Promise<ServerFacts> {
  const { settings } = target;
  const { imaps, imap, pop3s, pop3, smtps, submission } = settings.ports;
  return {
    hostname: settings.main.hostname,
    domains: await mailDomains(host, target),
    ports: { imaps, imap, pop3s, pop3, smtps, submission },
    mtaSts: mtaStsPolicy(settings),
  };
}

export function personOf({ address, name }: Mailbox): Person {
  return { address, name };
}

function useOf(use: LastUse | null): Use | null {
  return use === null ? null : { ...use, at: use.at.toISOString() };
}

export async function accountFacts(
  { host, target }: Desk,
  mailbox: Mailbox,
): Promise<AccountFacts> {
  const uses = await readLastUses(host, target, mailbox);
  return {
    ...personOf(mailbox),
    lastUse: useOf(uses.main),
    appPasswords: mailbox.appPasswords.map(({ id, name, use, created }) => ({
      ...{ id, name, use, created },
      lastUse: useOf(uses.apps.get(id) ?? null),
    })),
    appPasswordsOnly: mailbox.appPasswordsOnly,
  };
}
