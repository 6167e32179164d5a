// The placeholders of Rspamd's templates, and its files.

import { textsOf } from '../settings/senders.ts';
import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import type { ManagedFile } from './managed-file.ts';

/** Blocklists refuse shared resolvers: they are queried only without forwarding. */
function asksBlocklists({ features, network }: Settings): boolean {
  return features.spamFilter && network.dnsForward.length === 0;
}

/** DMARC passes by SPF or by DKIM: with only one of them, legitimate mail would fail. */
function evaluatesDmarc({ features }: Settings): boolean {
  return features.dmarc && features.spf && features.dkim;
}

const listsSenders = ({ spam }: Settings) => spam.allow.length > 0 || spam.deny.length > 0;

/** The items of a Lua table; addresses, domains and networks have no quote and no backslash. */
const luaKeys = (texts: readonly string[]) => texts.map((text) => `["${text}"] = true`).join(', ');
const luaList = (texts: readonly string[]) => texts.map((text) => `"${text}"`).join(', ');

/** A score that no message reaches: the filter takes no action. */
const NEVER = 'null';

export function rspamdValues(settings: Settings, _facts: Facts): Record<string, string> {
  const { features, spam, smtp } = settings;
  const filters = [
    ...(features.dkim ? ['dkim'] : []),
    ...(features.spamFilter ? ['chartable', 'regexp'] : []),
  ];
  return {
    rspamd_filters: filters.join(','),
    gtube_patterns: features.spamFilter ? 'reject' : 'disable',
    reject_score: String(spam.rejectScore),
    junk_score: String(spam.junkScore),
    greylist_score: features.greylist ? String(spam.greylistScore) : NEVER,
    own_domain_forgery: features.spf && features.dkim ? spam.ownDomainForgery : 'accept',
    dmarc_failure_action: spam.dmarcFailure === 'reject' ? 'reject' : 'add header',
    allowed_senders: luaKeys(textsOf(spam.allow, 'address', 'domain')),
    allowed_networks: luaList(textsOf(spam.allow, 'network')),
    denied_senders: luaKeys(textsOf(spam.deny, 'address', 'domain')),
    sender_evidence: luaList([
      ...(features.spf ? ['SPF_CHECK'] : []),
      ...(features.dkim ? ['DKIM_CHECK'] : []),
    ]),
    rate_limit: String(smtp.rateLimit ?? 0),
    sieve_rate_limit: String(Math.max(1, Math.floor((smtp.rateLimit ?? 0) / 2))),
  };
}

interface Part {
  readonly name: string;
  readonly when?: (settings: Settings) => boolean;
}

const parts: readonly Part[] = [
  { name: 'lua.conf' },
  { name: 'directory.lua' },
  { name: 'sender_login.lua' },
  {
    name: 'authentication.lua',
    when: (settings) => settings.features.spf || listsSenders(settings),
  },
  { name: 'forged_sender.lua', when: ({ features }) => features.spf },
  { name: 'sender_lists.lua', when: listsSenders },
  { name: 'sender_lists.conf', when: listsSenders },
  { name: 'structure.lua' },
  { name: 'effort.lua' },
  { name: 'ratelimit.conf', when: ({ smtp }) => smtp.rateLimit !== null },
  { name: 'spf.conf', when: ({ features }) => features.spf },
  { name: 'spf_lua.conf', when: ({ features }) => features.spf },
  { name: 'dkim.conf', when: ({ features }) => features.dkim },
  { name: 'arc_seal.lua', when: ({ features }) => features.dkim },
  { name: 'forward_sender.lua', when: ({ features }) => features.srs },
  { name: 'srs_lua.conf', when: ({ features }) => features.srs },
  { name: 'dmarc.conf', when: evaluatesDmarc },
  { name: 'antivirus.conf', when: ({ features }) => features.virusScan },
  { name: 'actions.conf', when: ({ features }) => features.spamFilter },
  { name: 'spam.conf', when: ({ features }) => features.spamFilter },
  { name: 'spam_lua.conf', when: ({ features }) => features.spamFilter },
  { name: 'rbl.conf', when: asksBlocklists },
  { name: 'greylist.conf', when: ({ features }) => features.spamFilter && features.greylist },
];

// Not a reload: the old workers would run until Postfix closes its connections
function rspamdFile(path: string): ManagedFile {
  return { path, owner: 'root', mode: 0o644, on_change: { restart: 'rspamd' } };
}

export const rspamdFiles: readonly ManagedFile[] = [
  rspamdFile('/etc/rspamd/rspamd.conf'),
  ...parts.map(({ name, when }) => ({
    ...rspamdFile(`/etc/rspamd/local.d/${name}`),
    ...(when === undefined ? {} : { when }),
  })),
];
