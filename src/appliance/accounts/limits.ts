// Limits of a mail domain: their fields in `vdomains`, and what a change may add to the domain. Pure.

import { MailctlError } from '../../errors.ts';
import { domainOf, type MailDomain, quoted } from '../address.ts';
import {
  type AliasName,
  type Directory,
  type DomainLimits,
  type Draft,
  type Mailbox,
  NO_LIMITS,
} from './model.ts';
import { formatQuota, parseQuota } from './quota.ts';

const MAX_COUNT = 1_000_000;

function invalid(message: string): never {
  throw new MailctlError('LIMIT_INVALID', message);
}

/** A number, or null for `unlimited`. Throws LIMIT_INVALID. */
export function parseCount(text: string): number | null {
  if (text === 'unlimited') return null;
  const count = /^(?:0|[1-9]\d{0,6})$/.test(text) ? Number(text) : Number.NaN;
  if (count <= MAX_COUNT) return count;
  return invalid(`${quoted(text)} is not a limit: expected 0 to ${MAX_COUNT}, or unlimited`);
}

/** Bytes, or null for `unlimited`. Throws QUOTA_INVALID, LIMIT_INVALID. */
export function parseTotal(text: string): number | null {
  const bytes = parseQuota(text);
  if (bytes === null) invalid(`${quoted(text)} is not a total: expected a size, or unlimited`);
  return bytes === 0 ? null : bytes;
}

/** The fields `mailboxes=20`, `aliases=50`, `quota=100G`. Throws LIMIT_INVALID, QUOTA_INVALID. */
export function parseLimits(fields: readonly string[]): DomainLimits {
  if (fields.length === 0) return NO_LIMITS;
  let limits = NO_LIMITS;
  for (const field of fields) {
    const [, name = '', value = ''] = /^([a-z]+)=(.+)$/.exec(field) ?? [];
    if (name === 'mailboxes') limits = { ...limits, mailboxes: parseCount(value) };
    else if (name === 'aliases') limits = { ...limits, aliases: parseCount(value) };
    else if (name === 'quota') limits = { ...limits, quotaBytes: parseTotal(value) };
    else invalid(`${quoted(field)} is not a limit: expected mailboxes=N, aliases=N or quota=SIZE`);
  }
  return limits;
}

export function formatLimits({ mailboxes, aliases, quotaBytes }: DomainLimits): string[] {
  return [
    ...(mailboxes === null ? [] : [`mailboxes=${mailboxes}`]),
    ...(aliases === null ? [] : [`aliases=${aliases}`]),
    ...(quotaBytes === null ? [] : [`quota=${formatQuota(quotaBytes)}`]),
  ];
}

export function limitsOf(directory: Directory, domain: MailDomain): DomainLimits {
  return directory.limits.get(domain) ?? NO_LIMITS;
}

/** What a domain has of each limited thing, or what a change adds to it. */
export interface DomainUse {
  readonly mailboxes: number;
  readonly aliases: number;
  /** Sum of the quotas. */
  readonly quotaBytes: number;
  /** Mailboxes without a limit, which are not in the sum. */
  readonly unlimited: number;
}

/** What each mail domain has. A change that adds many things counts once, and passes the result on. */
export type DomainUses = Map<MailDomain, DomainUse>;

const NOTHING: DomainUse = { mailboxes: 0, aliases: 0, quotaBytes: 0, unlimited: 0 };
export const ONE_ALIAS: DomainUse = { ...NOTHING, aliases: 1 };

function sumOf(one: DomainUse, other: DomainUse, sign: 1 | -1 = 1): DomainUse {
  return {
    mailboxes: one.mailboxes + sign * other.mailboxes,
    aliases: one.aliases + sign * other.aliases,
    quotaBytes: one.quotaBytes + sign * other.quotaBytes,
    unlimited: one.unlimited + sign * other.unlimited,
  };
}

function useOf({ quotaDefault }: Directory, { quotaBytes }: Mailbox): DomainUse {
  const bytes = quotaBytes ?? quotaDefault;
  return { ...NOTHING, mailboxes: 1, quotaBytes: bytes, unlimited: bytes === 0 ? 1 : 0 };
}

/** What `after` adds in place of `before`. */
export function addedBy(
  directory: Directory,
  after: Mailbox,
  before: Mailbox | null = null,
): DomainUse {
  const use = useOf(directory, after);
  return before === null ? use : sumOf(use, useOf(directory, before), -1);
}

export function usesOf(directory: Directory): DomainUses {
  const uses: DomainUses = new Map([...directory.domains].map((name) => [name, NOTHING]));
  const add = (name: AliasName, more: DomainUse) => {
    const domain = domainOf(name);
    uses.set(domain, sumOf(uses.get(domain) ?? NOTHING, more));
  };
  for (const mailbox of directory.mailboxes.values())
    add(mailbox.address, useOf(directory, mailbox));
  for (const name of directory.aliases.keys()) add(name, ONE_ALIAS);
  return uses;
}

interface Excess {
  readonly message: string;
  /** The option of `domain limit` that raises the limit. */
  readonly option: string;
}

const exceeds = (count: number, limit: number | null) => limit !== null && count > limit;

function findQuotaExcess(limit: number, after: DomainUse, more: DomainUse): Excess | null {
  const isMore = more.unlimited > 0 || (more.unlimited === 0 && more.quotaBytes > 0);
  if (!isMore || (after.unlimited === 0 && after.quotaBytes <= limit)) return null;
  const total = after.unlimited > 0 ? 'unlimited' : formatQuota(after.quotaBytes);
  const message = `may give its mailboxes ${formatQuota(limit)} together, and this makes ${total}`;
  return { message, option: `--quota ${total}` };
}

function findExcess(limits: DomainLimits, use: DomainUse, more: DomainUse): Excess | null {
  const after = sumOf(use, more);
  if (more.mailboxes > 0 && exceeds(after.mailboxes, limits.mailboxes)) {
    const message = `may have ${limits.mailboxes} mailboxes and has ${use.mailboxes}`;
    return { message, option: `--mailboxes ${after.mailboxes}` };
  }
  if (more.aliases > 0 && exceeds(after.aliases, limits.aliases)) {
    const message = `may have ${limits.aliases} aliases and has ${use.aliases}`;
    return { message, option: `--aliases ${after.aliases}` };
  }
  return limits.quotaBytes === null ? null : findQuotaExcess(limits.quotaBytes, after, more);
}

/**
 * Adds `more` to the use of the domain. Throws DOMAIN_LIMIT when it exceeds a limit that it counts towards; what
 * the domain has beyond a limit already stays.
 * @param uses counted here if absent
 */
export function admit(
  draft: Draft,
  { domain, more }: { domain: MailDomain; more: DomainUse },
  uses?: DomainUses,
): void {
  const limits = limitsOf(draft, domain);
  if (limits === NO_LIMITS) return;
  const counted = uses ?? usesOf(draft);
  const use = counted.get(domain) ?? NOTHING;
  const excess = findExcess(limits, use, more);
  if (excess !== null) {
    throw new MailctlError('DOMAIN_LIMIT', `${domain} ${excess.message}`, {
      hint: `mailctl domain limit ${domain} ${excess.option}`,
    });
  }
  counted.set(domain, sumOf(use, more));
}
