// The operator's changes to mail domains, on a draft.

import { MailctlError } from '../../errors.ts';
import { catchAll, domainOf, type MailDomain } from '../address.ts';
import { aliasDomainTarget, type Directory, type Draft } from './model.ts';

/** False when the domain already existed. */
export function addDomain(draft: Draft, domain: MailDomain): boolean {
  if (draft.domains.has(domain)) return false;
  draft.domains.add(domain);
  return true;
}

/** What still uses the domain, each with the command that removes it. */
function domainUses(draft: Draft, domain: MailDomain): { what: string; hint: string }[] {
  const mailboxes = [...draft.mailboxes.keys()].filter((key) => domainOf(key) === domain);
  const own = [...draft.aliases.keys()].filter((key) => domainOf(key) === domain);
  const leading = [...draft.aliases].filter(
    ([key, targets]) =>
      domainOf(key) !== domain && targets.some((target) => domainOf(target) === domain),
  );
  return [
    ...mailboxes.map((key) => ({ what: `mailbox ${key}`, hint: `mailctl user del ${key}` })),
    ...own.map((key) => ({
      what: key === catchAll(domain) ? `catch-all ${key}` : `alias ${key}`,
      hint: `mailctl alias del ${key}`,
    })),
    ...leading.map(([key]) => ({ what: `target of ${key}`, hint: `mailctl alias del ${key}` })),
  ];
}

export function removeDomain(draft: Draft, domain: MailDomain, own: MailDomain): void {
  if (!draft.domains.has(domain)) {
    throw new MailctlError('DOMAIN_UNKNOWN', `${domain} is not a mail domain here`, {
      hint: 'mailctl domain list',
    });
  }
  if (domain === own) {
    throw new MailctlError(
      'DOMAIN_IN_USE',
      `${domain} is the appliance's own domain (main.domain)`,
      {
        hint: 'set another main.domain in the UCI file first',
      },
    );
  }
  const uses = domainUses(draft, domain);
  const first = uses[0];
  if (first !== undefined) {
    const named = uses.slice(0, 5).map(({ what }) => what);
    const more = uses.length > 5 ? ` and ${uses.length - 5} more` : '';
    const message = `${domain} is still in use: ${named.join(', ')}${more}`;
    throw new MailctlError('DOMAIN_IN_USE', message, { hint: first.hint });
  }
  draft.domains.delete(domain);
}

/** A domain as `domain list --json` shows it. */
export interface ListedDomain {
  readonly name: MailDomain;
  readonly mailboxes: number;
  /** Those in `valias`, including a catch-all. */
  readonly aliases: number;
  readonly alias_of: MailDomain | null;
}

export function listDomains(directory: Directory): ListedDomain[] {
  const count = (names: Iterable<Parameters<typeof domainOf>[0]>) => {
    const counts = new Map<MailDomain, number>();
    for (const name of names) counts.set(domainOf(name), (counts.get(domainOf(name)) ?? 0) + 1);
    return counts;
  };
  const mailboxes = count(directory.mailboxes.keys());
  const aliases = count(directory.aliases.keys());
  return [...directory.domains].map((name) => ({
    name,
    mailboxes: mailboxes.get(name) ?? 0,
    aliases: aliases.get(name) ?? 0,
    alias_of: aliasDomainTarget(directory, name),
  }));
}
