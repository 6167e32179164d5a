// The daily report: the differences from the last one, then the current state. Sent only if something differs.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { readDirectory } from '../accounts/accounts.ts';
import type { Address } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { openState, readState } from '../container/state-file.ts';
import { type Message, submitOwn } from '../mail/test-message.ts';
import { formatBytes } from '../settings/bytes.ts';
import { measureStorage } from '../status/storage.ts';
import { validUntil } from '../tls/certificate.ts';
import { readInstalledPair } from '../tls/store.ts';
import { checkConfig, examine } from './doctor.ts';
import { countText, isProblem } from './finding.ts';
import { LAST_REPORT, type Situation } from './report-state.ts';

export interface Difference {
  readonly worse: readonly Situation['problems'][number][];
  readonly better: readonly Situation['problems'][number][];
  readonly news: readonly string[];
  /** There was no report before. */
  readonly first: boolean;
}

/** Masks numbers, which change daily: a problem with other figures is not a new one. */
function gist({ id, message }: Situation['problems'][number]): string {
  return `${id} ${message.replace(/\d+(?:\.\d+)?[BKMGT]?\b/g, '#')}`;
}

/** @param before null without an earlier report. Pure. */
export function differenceOf(before: Situation | null, now: Situation): Difference {
  const old = before?.problems ?? [];
  const errors = new Set(old.filter(({ severity }) => severity === 'error').map(gist));
  const known = new Set(old.map(gist));
  const present = new Set(now.problems.map(gist));
  const news: string[] = [];
  const domains = before?.domains ?? now.domains;
  for (const name of now.domains) if (!domains.includes(name)) news.push(`new mail domain ${name}`);
  for (const name of domains)
    if (!now.domains.includes(name)) news.push(`removed mail domain ${name}`);
  if (before !== null && before.mailboxes !== now.mailboxes) {
    news.push(`${now.mailboxes} mailboxes, ${before.mailboxes} before`);
  }
  if (before !== null && before.certificateUntil !== now.certificateUntil) {
    news.push(
      `the certificate is now valid until ${now.certificateUntil?.slice(0, 10) ?? 'never'}`,
    );
  }
  return {
    worse: now.problems.filter(
      (one) => !(one.severity === 'error' ? errors : known).has(gist(one)),
    ),
    better: old.filter((one) => !present.has(gist(one))),
    news,
    first: before === null,
  };
}

export function isNews({ worse, better, news, first }: Difference): boolean {
  return first || worse.length + better.length + news.length > 0;
}

function describe(one: Situation['problems'][number]): string[] {
  const fix = one.fix === null ? [] : [`      fix: ${one.fix}`];
  return [`  ${one.severity}: ${one.message} [${one.id}]`, ...fix];
}

/** Deterministic. Pure. */
export function formatReport(hostname: string, now: Situation, difference: Difference): string[] {
  const { worse, better, news, first } = difference;
  const old = now.problems.filter((one) => !worse.includes(one));
  const part = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [title, ...lines, ''];
  return [
    `The mail server ${hostname}, ${now.at.slice(0, 10)}`,
    '',
    ...part(first ? 'Problems:' : 'New problems:', worse.flatMap(describe)),
    ...part(
      'Fixed:',
      better.map(({ message, id }) => `  ${message} [${id}]`),
    ),
    ...part(
      'Changes:',
      news.map((text) => `  ${text}`),
    ),
    ...part('Unchanged problems:', old.flatMap(describe)),
    `Summary: ${now.summary}`,
    `Mailboxes: ${now.mailboxes}; mail domains: ${now.domains.length}; ${formatBytes(now.storageBytes)}`,
    `Certificate: ${now.certificateUntil === null ? 'none' : `valid until ${now.certificateUntil.slice(0, 10)}`}`,
    '',
    'Details: mailctl doctor    Disable these reports: mailctl report disable',
  ];
}

const STORAGE_LIMIT_MS = 20_000;

async function situationOf(host: Host, target: Appliance): Promise<Situation> {
  const findings = [
    await checkConfig(host, target.paths.uciFile),
    ...(await examine(host, target)),
  ];
  const { directory } = await readDirectory(host, target);
  const pair = await readInstalledPair(host, target.paths);
  const storage = await measureStorage(host, target.paths, STORAGE_LIMIT_MS);
  const problems = findings
    .filter(isProblem)
    .map(({ id, severity, message, fix }) => ({ id, severity, message, fix }));
  return {
    at: host.clock.now().toISOString(),
    problems,
    summary: countText(findings),
    mailboxes: directory.mailboxes.size,
    domains: [...directory.domains].sort(),
    certificateUntil: pair === null ? null : validUntil(pair.chain[0]).toISOString(),
    storageBytes: storage.bytes,
  };
}

export interface Report {
  readonly situation: Situation;
  readonly difference: Difference;
  readonly lines: readonly string[];
}

async function reportAfter(host: Host, target: Appliance, last: Situation | null): Promise<Report> {
  const situation = await situationOf(host, target);
  const difference = differenceOf(last, situation);
  const lines = formatReport(target.settings.main.hostname, situation, difference);
  return { situation, difference, lines };
}

/** Read-only. */
export async function makeReport(host: Host, target: Appliance): Promise<Report> {
  return reportAfter(host, target, await readState(host, target.paths, LAST_REPORT));
}

function recipientOf({ settings }: Appliance): Address {
  const { report, main } = settings;
  const to = report.to ?? main.postmaster;
  return (to.includes('@') ? to : `${to}@${main.domain}`) as Address;
}

function subjectOf(hostname: string, { worse, better }: Difference): string {
  if (worse.length > 0) return `${hostname}: ${worse.length} new problems`;
  return better.length > 0
    ? `${hostname}: ${better.length} problems fixed`
    : `${hostname}: changes`;
}

/**
 * Sends the report if something differs from the last one, or `always`. Stored once Postfix has accepted it.
 * Throws NOT_RUNNING, PROGRAM_FAILED.
 */
export async function sendReport(
  host: Host,
  target: Appliance,
  { always }: { always: boolean },
): Promise<Report & { readonly sentTo: Address | null }> {
  const last = await openState(host, target.paths, LAST_REPORT);
  const report = await reportAfter(host, target, last.current);
  const { situation, difference, lines } = report;
  if (!always && !isNews(difference)) return { ...report, sentTo: null };
  const to = recipientOf(target);
  const { hostname } = target.settings.main;
  const message: Message = { to, subject: subjectOf(hostname, difference), lines };
  const sent = await submitOwn(host, target, message);
  if ('refused' in sent) {
    throw new MailctlError('PROGRAM_FAILED', `Postfix refused the report: ${sent.refused}`, {
      hint: 'mailctl logs 20 --daemon postfix',
    });
  }
  await last.write(situation);
  return { ...report, sentTo: to };
}
