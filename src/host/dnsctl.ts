// dnsctl, the router's DNS program. Its exit status and its success messages are unreliable, so callers ask the zone's
// authoritative servers afterwards. Only a refusal that quotes the provider counts.

import { MailctlError } from '../errors.ts';
import { fieldOf, listOf } from './dns-api/session.ts';
import type { Host } from './host.ts';
import { ANY_STATUS, presentable } from './programs.ts';
import { withoutColours } from './terminal-text.ts';

export interface DnsctlCall {
  readonly verb: 'add' | 'update' | 'rm';
  readonly zone: string;
  readonly type: string;
  /** Relative to the zone, `@` for its apex. */
  readonly sub: string;
  /** The value for `add` and `update`; a TXT record as one unquoted text. */
  readonly value?: string;
  readonly ttl?: number;
  /** Secrets to remove from output. */
  readonly secrets?: readonly string[];
}

export interface DnsctlAnswer {
  /** The last lines it printed, without colours. */
  readonly words: string;
  /** The refusal by the provider, or by dnsctl before its request; null without one. */
  readonly refusal: string | null;
}

const TIMEOUT_MS = 60_000;
const TEST_TIMEOUT_MS = 20_000;
const NAME = /^(?:@|[A-Za-z0-9_*][A-Za-z0-9_*.-]{0,252})$/;

/** Why dnsctl cannot send a value, or null. The value passes through a shell's `eval` in single quotes. */
export function dnsctlProblem(value: string): string | null {
  if (value.includes("'")) return 'dnsctl cannot send a value with a single quote';
  return /^[\x20-\x7e]*$/.test(value) ? null : 'dnsctl can send printable ASCII characters only';
}

function argumentsOf({ verb, zone, type, sub, value, ttl }: DnsctlCall): string[] {
  const words = ['dnsctl', '-z', zone, verb, type, sub];
  if (value === undefined) return words;
  // dnsctl inserts the value into a JSON body without escaping
  const escaped = value.replace(/["\\]/g, '\\$&');
  return [...words, escaped, ...(ttl === undefined ? [] : [`${ttl}`])];
}

const MAX_TEXT = 200_000;
const MAX_MISSES = 50;

/** The index after the brace that closes the one at `start`, or -1. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  for (const { 0: token, index } of text.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') depth += 1;
    if (token === '}') depth -= 1;
    if (depth === 0) return start + index + 1;
  }
  return -1;
}

/** The JSON objects in a text that contains other output; invalid ones are skipped. */
function jsonObjects(output: string): unknown[] {
  const text = output.slice(0, MAX_TEXT);
  const objects: unknown[] = [];
  let misses = 0;
  let start = text.indexOf('{');
  while (start >= 0 && misses < MAX_MISSES) {
    const end = endOfObject(text, start);
    let next = start + 1;
    try {
      objects.push(JSON.parse(end < 0 ? '' : text.slice(start, end)));
      next = end;
    } catch {
      // not an object; the next brace may open one
      misses += 1;
    }
    start = text.indexOf('{', next);
  }
  return objects;
}

function messagesIn(errors: unknown): string[] {
  return listOf(errors).flatMap((error) => {
    const text = fieldOf(error, 'message') ?? fieldOf(error, 'description');
    return typeof text === 'string' ? [text, ...messagesIn(fieldOf(error, 'error_chain'))] : [];
  });
}

function refusalIn(object: unknown): string | null {
  const message = fieldOf(object, 'message');
  const error = fieldOf(object, 'error');
  const words = messagesIn(fieldOf(object, 'errors'));
  const own = typeof message === 'string' ? message : typeof error === 'string' ? error : null;
  const told = words.length > 0 ? words.join('; ') : own;
  const isRefusal =
    fieldOf(object, 'success') === false ||
    fieldOf(object, 'status') === 'error' ||
    Number(fieldOf(object, 'code') ?? 0) >= 400 ||
    typeof fieldOf(object, 'errorCode') === 'string' ||
    /^(?:Client|Server)::/.test(String(fieldOf(object, 'class') ?? '')) ||
    typeof error === 'string';
  return isRefusal ? (told ?? 'no reason given') : null;
}

/** The refusal in what dnsctl printed, or null. Pure. */
export function dnsctlRefusal(output: string): string | null {
  const text = withoutColours(output);
  const said = jsonObjects(text).flatMap((object) => refusalIn(object) ?? []);
  if (said.length > 0) return [...new Set(said)].join('; ');
  return /^(?:\[ERROR\]|Usage: dnsctl).*/m.exec(text)?.[0] ?? null;
}

/** Throws TIMED_OUT. */
export async function runDnsctl(host: Host, call: DnsctlCall): Promise<DnsctlAnswer> {
  const problem = call.value === undefined ? null : dnsctlProblem(call.value);
  // the shell inside dnsctl would execute an argument in another form
  if (problem !== null || !NAME.test(call.sub) || !NAME.test(call.zone)) {
    throw new Error(`not for dnsctl: ${call.verb} ${call.type} ${call.sub} in ${call.zone}`);
  }
  const { stdout, stderr } = await host.programs.run(argumentsOf(call), {
    timeout: TIMEOUT_MS,
    accept: ANY_STATUS,
  });
  return answerOf(`${stdout}\n${stderr}`, call.secrets ?? []);
}

function answerOf(output: string, secrets: readonly string[]): DnsctlAnswer {
  const refusal = dnsctlRefusal(output);
  const shown = (text: string) => presentable(withoutColours(text), secrets, 3).slice(-300);
  return { words: shown(output), refusal: refusal === null ? null : shown(refusal) };
}

export function requireDnsctl(host: Host): void {
  if (host.programs.exists('dnsctl')) return;
  throw new MailctlError('PROGRAM_MISSING', 'dnsctl is not installed: cannot publish records', {
    hint: "mailctl dns-setup --zone   (records to publish by hand; or set mailserver.dns.provider to 'rfc2136')",
  });
}

/** Tests dnsctl's credentials. Throws DNS_DENIED with its words when the provider rejects them. */
export async function testDnsctl(host: Host, secrets: readonly string[]): Promise<void> {
  const { stdout, stderr } = await host.programs.query(['dnsctl', 'test'], {
    timeout: TEST_TIMEOUT_MS,
    accept: ANY_STATUS,
  });
  const output = `${stdout}\n${stderr}`;
  const { refusal, words } = answerOf(output, secrets);
  const failed = /\bfailed: *(.*)/.exec(withoutColours(output));
  if (refusal === null && failed === null) return;
  throw new MailctlError(
    'DNS_DENIED',
    `dnsctl test: the provider does not accept the credentials: ${refusal ?? words}`,
    { hint: 'correct /etc/config/dns-provider, then repeat the command' },
  );
}

/** Zones of the account, lower case; empty where dnsctl cannot list them for this provider. */
export async function listDnsctlZones(host: Host): Promise<string[]> {
  const { stdout } = await host.programs.query(['dnsctl', 'domains'], {
    timeout: TEST_TIMEOUT_MS,
    accept: ANY_STATUS,
  });
  const names = jsonObjects(withoutColours(stdout)).map((object) => fieldOf(object, 'fqdn'));
  return names.flatMap((name) => (typeof name === 'string' ? [name.toLowerCase()] : []));
}
