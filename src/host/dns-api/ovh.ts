// OVH's API v1 (https://eu.api.ovh.com/console/?section=%2Fdomain): signed requests, single records, and a
// refresh that sends them to the name servers.

import { createHash } from 'node:crypto';
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
import { formatRdata, parseRdata, unquoteTxt } from './rdata.ts';
import { type ApiManner, type ApiSession, createSession, fieldOf, listOf } from './session.ts';

type OvhAccount = Extract<Account, { provider: 'ovh' }>;

export const OVH_ENDPOINTS: Readonly<Record<string, string>> = {
  'ovh-eu': 'https://eu.api.ovh.com/1.0',
  'ovh-ca': 'https://ca.api.ovh.com/1.0',
  'ovh-us': 'https://api.us.ovhcloud.com/1.0',
};

/** Types of OVH alone; its name servers publish them as TXT. */
const TXT_TYPES = ['TXT', 'SPF', 'DKIM', 'DMARC'];

interface OvhRecord extends KeptRecord<number> {
  readonly fieldType: string;
  readonly ttl: number;
}

/** `$1$` and the SHA-1 of secrets and request, as OVH defines it. */
export function signOvh(
  { appSecret, consumerKey }: Pick<OvhAccount, 'appSecret' | 'consumerKey'>,
  { method, url, body }: { method: string; url: string; body: string },
  time: number,
): string {
  const text = [appSecret, consumerKey, method, url, body, time].join('+');
  return `$1$${createHash('sha1').update(text).digest('hex')}`;
}

/** Seconds to add to this clock: the API rejects a signature whose time differs from its own. */
async function clockOffset(host: Host, base: string): Promise<number> {
  const here = Math.floor(host.clock.now().getTime() / 1000);
  try {
    const { data } = await host.web.query({
      ...{ method: 'GET', url: `${base}/auth/time`, headers: {} },
    });
    return typeof data === 'number' ? data - here : 0;
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    // the next request meets the same failure and reports it
    return 0;
  }
}

function mannerOf(host: Host, account: OvhAccount, base: string): ApiManner {
  const { appKey, appSecret, consumerKey } = account;
  let offset: Promise<number> | null = null;
  return {
    title: 'OVH',
    base,
    secrets: [appSecret, consumerKey],
    headers: async (call) => {
      offset ??= clockOffset(host, base);
      const time = Math.floor(host.clock.now().getTime() / 1000) + (await offset);
      return {
        'X-Ovh-Application': appKey,
        'X-Ovh-Consumer': consumerKey,
        'X-Ovh-Timestamp': `${time}`,
        'X-Ovh-Signature': signOvh(account, call, time),
      };
    },
    explain: (data) => {
      const message = fieldOf(data, 'message');
      return typeof message === 'string' ? message : null;
    },
    isDenied: (status, data) =>
      status === 401 ||
      status === 403 ||
      /^(?:INVALID_|NOT_CREDENTIAL|QUERY_TIME_OUT)/.test(String(fieldOf(data, 'errorCode'))),
  };
}

const relative = (name: string, zone: string) =>
  name === zone ? '' : name.slice(0, -zone.length - 1);

/** OVH's own types hold their text without quotes. */
function targetOf(fieldType: string, value: string): string {
  return fieldType === 'TXT' || !TXT_TYPES.includes(fieldType)
    ? formatRdata(fieldType, value)
    : value;
}

async function readRecords(
  session: ApiSession,
  zone: string,
  { name, type }: Pick<ApiChange, 'name' | 'type'>,
): Promise<OvhRecord[]> {
  const records: OvhRecord[] = [];
  for (const fieldType of type === 'TXT' ? TXT_TYPES : [type]) {
    const query = new URLSearchParams({ fieldType, subDomain: relative(name, zone) });
    const path = `/domain/zone/${zone}/record`;
    const { data } = await session.call({ method: 'GET', path: `${path}?${query}` });
    for (const id of listOf(data)) {
      if (typeof id !== 'number') continue;
      const found = await session.call({ method: 'GET', path: `${path}/${id}`, accept: [404] });
      const target = fieldOf(found.data, 'target');
      if (found.status === 404 || typeof target !== 'string') continue;
      const value = type === 'TXT' ? unquoteTxt(target) : parseRdata(type, target, zone);
      records.push({ id, fieldType, value, ttl: Number(fieldOf(found.data, 'ttl')) });
    }
  }
  return records;
}

async function changeSet(session: ApiSession, zone: string, set: ApiChange): Promise<void> {
  const { name, type, ttl } = set;
  const subDomain = relative(name, zone);
  const path = `/domain/zone/${zone}/record`;
  const steps = planSteps(await readRecords(session, zone, set), set);
  for (const { record, value } of steps.replace) {
    const target = targetOf(record.fieldType, value);
    const body = { subDomain, target, ttl: record.ttl };
    await session.call({ method: 'PUT', path: `${path}/${record.id}`, body });
  }
  for (const value of steps.create) {
    const body = { fieldType: type, subDomain, target: targetOf(type, value), ttl };
    await session.call({ method: 'POST', path, body });
  }
  for (const { id } of steps.remove) {
    await session.call({ method: 'DELETE', path: `${path}/${id}`, accept: [404] });
  }
}

function zoneAt(session: ApiSession, zone: string): ApiZone {
  const refresh = { method: 'POST', path: `/domain/zone/${zone}/refresh` } as const;
  return {
    id: null,
    change: (set) => session.patiently(() => changeSet(session, zone, set)),
    finish: () =>
      session.patiently(async () => {
        await session.call(refresh);
      }),
  };
}

export function createOvh(host: Host, account: OvhAccount): DnsApi {
  const base = OVH_ENDPOINTS[account.endpoint] ?? '';
  const session = createSession(host, mannerOf(host, account, base));
  return {
    provider: 'ovh',
    // a key may be limited to the records of one zone, so the request names them
    openZone: async (zone) => {
      const path = `/domain/zone/${zone}/record?fieldType=NS&subDomain=`;
      const { status } = await session.patiently(() =>
        session.call({ method: 'GET', path, accept: [404] }),
      );
      return status === 404 ? null : zoneAt(session, zone);
    },
  };
}
