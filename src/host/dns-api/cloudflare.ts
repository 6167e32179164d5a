// Cloudflare's API v4 (https://developers.cloudflare.com/api/resources/dns/): single records, some types as
// text and some as fields. A record with a new value keeps its id, comment and tags.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../host.ts';
import {
  type Account,
  type ApiChange,
  type ApiZone,
  type DnsApi,
  type KeptRecord,
  planSteps,
} from './api.ts';
import { absoluteName, parseRdata, quoteTxt } from './rdata.ts';
import { type ApiManner, type ApiSession, createSession, fieldOf, listOf } from './session.ts';

type CloudflareAccount = Extract<Account, { provider: 'cloudflare' }>;

const BASE = 'https://api.cloudflare.com/client/v4';
const PAGE_SIZE = 100;
const MAX_PAGES = 100;

/** Authentication errors come with 400 as well: 6003 and 6111 for a token in a wrong form. */
const DENIED_CODES = [6003, 6111, 9106, 9109, 10000, 10001];

function errorsOf(data: unknown): readonly { code: number; message: string }[] {
  return listOf(fieldOf(data, 'errors')).flatMap((error) => {
    const own = {
      code: Number(fieldOf(error, 'code')),
      message: String(fieldOf(error, 'message')),
    };
    return [own, ...errorsOf({ errors: fieldOf(error, 'error_chain') })];
  });
}

function mannerOf({ apiToken }: CloudflareAccount): ApiManner {
  return {
    ...{ title: 'Cloudflare', base: BASE, secrets: [apiToken] },
    headers: async () => ({ Authorization: `Bearer ${apiToken}` }),
    explain: (data) => {
      const errors = errorsOf(data).map(({ code, message }) => `${message} (${code})`);
      return errors.length === 0 ? null : errors.join('; ');
    },
    isDenied: (status, data) =>
      status === 401 ||
      status === 403 ||
      errorsOf(data).some(({ code }) => DENIED_CODES.includes(code)),
  };
}

/** Every item of a paged list. */
async function readAll(session: ApiSession, path: string): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const paged = `${path}&per_page=${PAGE_SIZE}&page=${page}`;
    const { data } = await session.call({ method: 'GET', path: paged });
    items.push(...listOf(fieldOf(data, 'result')));
    const pages = Number(fieldOf(fieldOf(data, 'result_info'), 'total_pages') ?? 1);
    if (!(page < pages)) return items;
  }
  throw new Error(`${path} has more than ${MAX_PAGES} pages`);
}

const withoutDot = (name: string) => (name === '.' ? name : name.replace(/\.$/, ''));

/** The value as API fields. */
export function cloudflareFields(type: string, value: string): Record<string, unknown> {
  const [first = '', second = '', third = '', fourth = ''] = value.split(' ');
  switch (type) {
    case 'TXT':
      return { content: quoteTxt(value) };
    case 'CNAME':
      return { content: withoutDot(value) };
    case 'MX':
      return { priority: Number(first), content: withoutDot(second) };
    case 'SRV': {
      const [priority, weight, port] = [first, second, third].map(Number);
      return { data: { priority, weight, port, target: withoutDot(fourth) } };
    }
    case 'TLSA': {
      const [usage, selector, matching_type] = [first, second, third].map(Number);
      return { data: { usage, selector, matching_type, certificate: fourth } };
    }
    case 'CAA': {
      const text = value.slice(first.length + second.length + 2).replace(/^"|"$/g, '');
      return { data: { flags: Number(first), tag: second, value: text } };
    }
    default:
      return { content: value };
  }
}

/** The value of a record from its API fields. */
export function cloudflareValue(type: string, record: unknown): string {
  const content = String(fieldOf(record, 'content') ?? '');
  const data = fieldOf(record, 'data');
  const field = (name: string) => String(fieldOf(data, name) ?? '');
  const host = (name: string) => absoluteName(`${withoutDot(name)}.`, '');
  switch (type) {
    case 'CNAME':
      return host(content);
    case 'MX':
      return `${fieldOf(record, 'priority')} ${content === '.' ? '.' : host(content)}`;
    case 'SRV':
      return `${field('priority')} ${field('weight')} ${field('port')} ${host(field('target'))}`;
    case 'TLSA':
      return `${field('usage')} ${field('selector')} ${field('matching_type')} ${field('certificate').toLowerCase()}`;
    case 'CAA':
      return `${field('flags')} ${field('tag')} "${field('value')}"`;
    default:
      return parseRdata(type, content, '');
  }
}

async function changeSet(session: ApiSession, id: string, set: ApiChange): Promise<void> {
  const { name, type, ttl } = set;
  const path = `/zones/${id}/dns_records`;
  const found = await readAll(session, `${path}?${new URLSearchParams({ type, name })}`);
  const present = found.flatMap((record): KeptRecord<string>[] => {
    const isHere = fieldOf(record, 'name') === name && fieldOf(record, 'type') === type;
    const value = cloudflareValue(type, record);
    return isHere ? [{ id: String(fieldOf(record, 'id')), value }] : [];
  });
  const steps = planSteps(present, set);
  for (const { record, value } of steps.replace) {
    const body = { type, name, ...cloudflareFields(type, value) };
    await session.call({ method: 'PATCH', path: `${path}/${record.id}`, body });
  }
  for (const value of steps.create) {
    const proxied = ['A', 'AAAA', 'CNAME'].includes(type) ? { proxied: false } : {};
    const body = { type, name, ttl, ...proxied, ...cloudflareFields(type, value) };
    await session.call({ method: 'POST', path, body });
  }
  for (const record of steps.remove) {
    await session.call({ method: 'DELETE', path: `${path}/${record.id}`, accept: [404] });
  }
}

async function findZone(
  session: ApiSession,
  { known }: CloudflareAccount,
  zone: string,
): Promise<string | null> {
  const isKnown = known !== null && known.zone === zone;
  try {
    const zones = await readAll(session, `/zones?${new URLSearchParams({ name: zone })}`);
    const own = zones.filter((one) => fieldOf(one, 'name') === zone);
    // a pending zone, added but not delegated, may have the same name
    const found = own.find((one) => fieldOf(one, 'status') === 'active') ?? own[0];
    if (found !== undefined) return String(fieldOf(found, 'id'));
  } catch (error) {
    const isDenied = error instanceof MailctlError && error.code === 'DNS_DENIED';
    if (!isDenied || !isKnown) throw error;
  }
  if (!isKnown) return null;
  const query = new URLSearchParams({ name: zone, type: 'NS', per_page: '5' });
  await session.call({ method: 'GET', path: `/zones/${known.id}/dns_records?${query}` });
  return known.id;
}

export function createCloudflare(host: Host, account: CloudflareAccount): DnsApi {
  const session = createSession(host, mannerOf(account));
  const zoneAt = (id: string): ApiZone => ({
    id,
    change: (set) => session.patiently(() => changeSet(session, id, set)),
    finish: () => Promise.resolve(),
  });
  return {
    provider: 'cloudflare',
    openZone: async (zone) => {
      const id = await session.patiently(() => findZone(session, account, zone));
      return id === null ? null : zoneAt(id);
    },
  };
}
