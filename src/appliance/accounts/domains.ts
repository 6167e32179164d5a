// The operator's changes to mail domains, on a draft.

import { MailctlError } from '../../errors.ts';
import { catchAll, domainOf, type MailDomain } from '../address.ts';
import { limitsOf, usesOf } from './limits.ts';
import { aliasDomainTarget, type Directory, type DomainLimits, type Draft } from './model.ts';

function unknownDomain(domain: MailDomain): MailctlError {
  return new MailctlError('DOMAIN_UNKNOWN', `${domain} is not a mail domain here`, {
    hint: 'mailctl domain list',
  });
}

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
  if (!draft.domains.has(domain)) throw unknownDomain(domain);
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
  draft.limits.delete(domain);
}

/** Throws DOMAIN_UNKNOWN. */
export function setLimits(
  draft: Draft,
  domain: MailDomain,
  change: Partial<DomainLimits>,
): ListedDomain {
  const listed = getDomain(draft, domain);
  draft.limits.set(domain, { ...limitsOf(draft, domain), ...change });
  return { ...listed, ...limitData(draft, domain) };
}

/** A domain as `domain list --json` shows it. */
export interface ListedDomain {
  readonly name: MailDomain;
  readonly mailboxes: number;
  /** Those in `valias`, including a catch-all. */
  readonly aliases: number;
  readonly alias_of: MailDomain | null;
  /** Sum of the quotas of its mailboxes; null when one of them has no limit. */
  readonly quota_bytes: number | null;
  readonly max_mailboxes: number | null;
  readonly max_aliases: number | null;
  readonly max_quota_bytes: number | null;
}

function limitData(directory: Directory, domain: MailDomain) {
  const { mailboxes, aliases, quotaBytes } = limitsOf(directory, domain);
  return { max_mailboxes: mailboxes, max_aliases: aliases, max_quota_bytes: quotaBytes };
}

export function listDomains(directory: Directory): ListedDomain[] {
  const uses = usesOf(directory);
  return [...directory.domains].map((name) => {
    const { mailboxes = 0, aliases = 0, quotaBytes = 0, unlimited = 0 } = uses.get(name) ?? {};
    return {
      ...{ name, mailboxes, aliases },
      alias_of: aliasDomainTarget(directory, name),
      quota_bytes: unlimited > 0 ? null : quotaBytes,
      ...limitData(directory, name),
    };
  });
}

/** Throws DOMAIN_UNKNOWN. */
export function getDomain(directory: Directory, domain: MailDomain): ListedDomain {
  const found = listDomains(directory).find(({ name }) => name === domain);
  if (found === undefined) throw unknownDomain(domain);
  return found;
}
