// Stand-in for OVH v1, as far as mailctl and dnsctl use it: signed requests, single records, OVH's own types that are TXT
// in the DNS, and no publication before a refresh.

import { createHash } from 'node:crypto';
import type { ProviderAccount } from './accounts.ts';
import {
  type Edit,
  editZone,
  idOf,
  keyOf,
  quoted,
  readZone,
  rename,
  type StoredRecord,
} from './store.ts';

/** Unpublished changes, by zone. */
const staged = new Map<string, Edit[]>();
/** TXT records added by this API; those from OVH's web page have the type SPF. */
const plainTxt = new Set<number>();

const fail = (status: number, errorCode: string, message: string) => {
  const kind = status === 403 ? 'Forbidden' : status === 404 ? 'NotFound' : 'BadRequest';
  const body = { class: `Client::${kind}`, message, httpCode: `${status} ${kind}`, errorCode };
  return Response.json(body, { status });
};

async function records(zone: string): Promise<StoredRecord[]> {
  return (staged.get(zone) ?? []).reduce(
    (all, { action, ...edit }) => {
      const rest = all.filter((one) => keyOf(one) !== keyOf(edit));
      return action === 'delete' ? rest : [...rest, { ...edit, id: idOf(keyOf(edit)) }];
    },
    await readZone(zone),
  );
}

const stage = (zone: string, ...edits: Edit[]) =>
  staged.set(zone, [...(staged.get(zone) ?? []), ...edits]);

const typeOf = ({ id, type, data }: StoredRecord) =>
  type === 'TXT' && data.startsWith('"v=spf1') && !plainTxt.has(id) ? 'SPF' : type;

const targetOf = (record: StoredRecord) =>
  typeOf(record) === 'SPF' ? record.data.slice(1, -1).replace(/" "/g, '') : record.data;

function verify(request: Request, body: string, account: ProviderAccount): Response | null {
  const { app_secret, consumer_key } = account.credentials;
  const time = request.headers.get('X-Ovh-Timestamp') ?? '';
  if (request.headers.get('X-Ovh-Consumer') !== consumer_key) {
    return fail(403, 'INVALID_CREDENTIAL', 'This credential is not valid');
  }
  if (Math.abs(Number(time) - now()) > 30) {
    return fail(400, 'QUERY_TIME_OUT', 'Query out of time');
  }
  const text = [app_secret, consumer_key, request.method, request.url, body, time].join('+');
  const signature = `$1$${createHash('sha1').update(text).digest('hex')}`;
  if (request.headers.get('X-Ovh-Signature') === signature) return null;
  return fail(400, 'INVALID_SIGNATURE', 'Invalid signature');
}

/** Differs from the router's clock, as the real server's may. */
const now = () => Math.floor(Date.now() / 1000) + 600;

interface Fields {
  readonly fieldType?: string;
  readonly subDomain?: string;
  readonly target?: string;
  readonly ttl?: number;
}

function parse(body: string): Fields | null {
  try {
    return JSON.parse(body) as Fields;
  } catch {
    return null;
  }
}

const absolute = (sub: string, zone: string) =>
  sub === '' || sub === '@' ? zone : `${sub}.${zone}`;

async function list(url: URL, zone: string): Promise<Response> {
  const [type, sub] = [url.searchParams.get('fieldType'), url.searchParams.get('subDomain')];
  const found = (await records(zone)).filter(
    (one) =>
      (type === null || typeOf(one) === type) &&
      // The apex is the empty subdomain; `@` is not valid
      (sub === null || (sub !== '@' && one.name === absolute(sub, zone))),
  );
  return Response.json(found.map(({ id }) => id));
}

function create(body: string, zone: string): Response {
  const fields = parse(body);
  if (fields === null) return fail(400, 'INVALID_JSON', 'Invalid JSON received');
  const { fieldType = '', subDomain = '', target = '', ttl = 3600 } = fields;
  if (ttl !== 0 && ttl < 60) return fail(400, 'INVALID_TTL', `Invalid TTL ${ttl}`);
  if (fieldType === 'CAA' && !/^\d+ \S+ ".*"$/.test(target)) {
    return fail(400, 'INVALID_TARGET', 'Invalid subfield found in CAA');
  }
  const data = fieldType === 'TXT' ? quoted(target) : target;
  const edit = {
    action: 'add',
    name: absolute(subDomain, zone),
    type: fieldType,
    ttl,
    data,
  } as const;
  const id = idOf(keyOf(edit));
  plainTxt.add(id);
  stage(zone, edit);
  return Response.json({ id, zone, ...fields });
}

async function one(request: Request, body: string, place: { zone: string; id: string }) {
  const { zone, id } = place;
  const record = (await records(zone)).find((other) => `${other.id}` === id);
  if (record === undefined) return fail(404, 'NOT_FOUND', 'The requested object does not exist');
  if (request.method === 'DELETE') {
    stage(zone, { ...record, action: 'delete' });
    return Response.json(null);
  }
  if (request.method === 'GET') {
    const sub = record.name === zone ? '' : record.name.slice(0, -zone.length - 1);
    const { ttl } = record;
    return Response.json({
      ...{ id: record.id, zone, ttl, subDomain: sub },
      ...{ fieldType: typeOf(record), target: targetOf(record) },
    });
  }
  const fields = parse(body);
  if (fields === null) return fail(400, 'INVALID_JSON', 'Invalid JSON received');
  if (fields.fieldType !== undefined) {
    return fail(400, 'READ_ONLY', 'Try to alter read-only properties: fieldType');
  }
  const { target = '', ttl = 3600 } = fields;
  if (typeOf(record) === 'SPF' && target.startsWith('"')) {
    return fail(400, 'INVALID_TARGET', 'Invalid subfield found in SPF');
  }
  const data = record.type === 'TXT' ? quoted(target) : target;
  const edit = { action: 'add', name: record.name, type: record.type, ttl, data } as const;
  rename(keyOf(record), keyOf(edit));
  stage(zone, { ...record, action: 'delete' }, edit);
  return Response.json(null);
}

async function refresh(zone: string): Promise<Response> {
  const edits = staged.get(zone) ?? [];
  staged.delete(zone);
  await editZone(zone, edits);
  return Response.json(null);
}

export async function answerOvh(
  request: Request,
  body: string,
  accounts: readonly ProviderAccount[],
): Promise<Response> {
  const url = new URL(request.url);
  const path = url.pathname.replace(/^\/1\.0/, '');
  if (path === '/auth/time') return Response.json(now());
  const key = request.headers.get('X-Ovh-Application');
  const account = accounts.find(({ credentials }) => credentials.app_key === key);
  if (account === undefined) {
    return fail(403, 'INVALID_KEY', 'This application key is invalid');
  }
  const refusal = verify(request, body, account);
  if (refusal !== null) return refusal;
  if (path === '/auth/currentCredential') {
    return Response.json({ credentialId: 1, status: 'validated' });
  }
  const [, , , zone = '', what = '', id] = path.split('/');
  if (!account.zones.includes(zone)) return fail(404, 'NOT_FOUND', 'This service does not exist');
  if (what === 'refresh') return refresh(zone);
  if (id !== undefined) return one(request, body, { zone, id });
  if (request.method === 'GET') return list(url, zone);
  const refused = account.fault?.replace('refuse ', '');
  if (parse(body)?.fieldType === refused) return fail(400, 'REFUSED', `${refused}: not today`);
  return create(body, zone);
}
