// The router's own DNS program. Its exit status and its words prove nothing: whoever calls it asks the
// zone's authoritative servers afterwards.

import { MailctlError } from '../errors.ts';
import type { Host } from './host.ts';
import { ANY_STATUS, presentable } from './programs.ts';
import { withoutColours } from './terminal-text.ts';

export interface DnsctlCall {
  readonly verb: 'add' | 'update' | 'rm';
  readonly zone: string;
  readonly type: string;
  /** Relative to the zone, `@` for its apex. */
  readonly sub: string;
  /** What `add` and `update` publish; a TXT record as one unquoted text. */
  readonly value?: string;
  readonly ttl?: number;
}

const TIMEOUT_MS = 60_000;
const NAME = /^(?:@|[A-Za-z0-9_*][A-Za-z0-9_*.-]{0,252})$/;

/** Why a value cannot be handed to dnsctl, or null. It passes through a shell's `eval` in single quotes. */
export function dnsctlProblem(value: string): string | null {
  if (value.includes("'")) return 'dnsctl cannot send a value with a single quote';
  return /^[\x20-\x7e]*$/.test(value) ? null : 'dnsctl can send printable ASCII characters only';
}

function argumentsOf({ verb, zone, type, sub, value, ttl }: DnsctlCall): string[] {
  const words = ['dnsctl', '-z', zone, verb, type, sub];
  return value === undefined ? words : [...words, value, ...(ttl === undefined ? [] : [`${ttl}`])];
}

/** The last lines it printed, without colours: perhaps a reason, never a proof. Throws TIMED_OUT. */
export async function runDnsctl(host: Host, call: DnsctlCall): Promise<string> {
  const problem = call.value === undefined ? null : dnsctlProblem(call.value);
  // an argument in a wrong form would be run by the shell inside dnsctl
  if (problem !== null || !NAME.test(call.sub) || !NAME.test(call.zone)) {
    throw new Error(`not for dnsctl: ${JSON.stringify(call)}`);
  }
  const { stdout, stderr } = await host.programs.run(argumentsOf(call), {
    timeout: TIMEOUT_MS,
    accept: ANY_STATUS,
  });
  return lastWords(`${stdout}\n${stderr}`);
}

function lastWords(text: string): string {
  return presentable(withoutColours(text), [], 3).slice(-300);
}

export function requireDnsctl(host: Host): void {
  if (host.programs.exists('dnsctl')) return;
  throw new MailctlError(
    'PROGRAM_MISSING',
    'dnsctl is not installed, so nothing can be published',
    {
      hint: "mailctl dns-setup --zone   (records to publish by hand; or set mailserver.dns.provider to 'rfc2136')",
    },
  );
}

/** Zones that dnsctl's account holds, as far as its words can be understood; empty when they cannot. */
export async function listDnsctlZones(host: Host): Promise<string[]> {
  const { stdout } = await host.programs.query(['dnsctl', 'domains'], {
    timeout: TIMEOUT_MS,
    accept: ANY_STATUS,
  });
  const words = withoutTags(stdout).match(/[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]+/gi) ?? [];
  return [...new Set(words.map((word) => word.toLowerCase()))];
}

function withoutTags(text: string): string {
  return withoutColours(text).replace(/https?:\/\/\S+/g, '');
}
