// Stand-in for Cloudflare v4, as far as mailctl and dnsctl use it: pages, single records, required fields for MX, SRV,
// TLSA and CAA, every name made relative to the zone.

import { cloudflareZoneId, type ProviderAccount } from './accounts.ts';
import {
  type Edit,
  editZone,
  keyOf,
  quoted,
  readZone,
  rename,
  type StoredRecord,
} from './store.ts';

/** Smaller than the real one, so that every list has several pages. */
const LARGEST_PAGE = 2;

const fail = (status: number, code: number, message: string, chain?: string) => {
  const error_chain = chain === undefined ? [] : [{ code: 9100, message: chain }];
  const errors = [{ code, message, ...(chain === undefined ? {} : { error_chain }) }];
  return Response.json({ success: false, errors, messages: [], result: null }, { status });
};

const good = (result: unknown, more: object = {}) =>
  Response.json({ success: true, errors: [], messages: [], result, ...more });

function paged(url: URL, items: readonly unknown[]): Response {
  const asked = Number(url.searchParams.get('per_page') ?? 100);
  const per_page = Math.min(asked, LARGEST_PAGE);
  const page = Number(url.searchParams.get('page') ?? 1);
  const total_pages = Math.ceil(items.length / per_page);
  const result_info = { page, per_page, total_pages, total_count: items.length };
  return good(items.slice((page - 1) * per_page, page * per_page), { result_info });
}

const bare = (name: string) => name.replace(/\.$/, '');

/** A record as the API shows it. */
function shown({ id, name, type, ttl, data }: StoredRecord): Record<string, unknown> {
  const record = { id: `r${id}`, name, type, ttl, proxied: false };
  const [first = '', second = '', third = '', ...rest] = data.split(' ');
  switch (type) {
    case 'MX':
      return { ...record, priority: Number(first), content: bare(second) };
    case 'SRV': {
      const [priority, weight, port] = [first, second, third].map(Number);
      const target = bare(rest.join(''));
      return { ...record, content: data, data: { priority, weight, port, target } };
    }
    case 'TLSA': {
      const [usage, selector, matching_type] = [first, second, third].map(Number);
      return {
        ...{ ...record, content: data },
        data: { usage, selector, matching_type, certificate: rest.join('') },
      };
    }
    case 'CAA': {
      const value = data.slice(first.length + second.length + 2).replace(/^"|"$/g, '');
      return { ...record, content: data, data: { flags: Number(first), tag: second, value } };
    }
    case 'CNAME':
      return { ...record, content: bare(data) };
    default:
      return { ...record, content: data };
  }
}

type Fields = Record<string, unknown>;

/** The record data from the fields of a request, or the problem. */
function dataOf(type: string, fields: Fields): { data: string } | { problem: string } {
  const content = typeof fields.content === 'string' ? fields.content : undefined;
  const data = fields.data as Fields | undefined;
  const need = (names: string[]) => names.find((name) => data?.[name] === undefined);
  if (type === 'MX') {
    if (typeof fields.priority !== 'number') return { problem: 'priority is a required field.' };
    return { data: `${fields.priority} ${content}.` };
  }
  const wanted = {
    SRV: ['priority', 'weight', 'port', 'target'],
    TLSA: ['usage', 'selector', 'matching_type', 'certificate'],
    CAA: ['flags', 'tag', 'value'],
  }[type];
  if (wanted !== undefined) {
    const missing = need(wanted);
    if (missing !== undefined) return { problem: `data.${missing} is a required data field.` };
    const values = wanted.map((name) => String(data?.[name]));
    if (type === 'CAA') return { data: `${values[0]} ${values[1]} "${values[2]}"` };
    return { data: type === 'SRV' ? `${values.join(' ')}.` : values.join(' ') };
  }
  if (content === undefined) return { problem: 'content is a required field.' };
  if (type === 'TXT') return { data: quoted(content) };
  return { data: type === 'CNAME' ? `${bare(content)}.` : content };
}

function parse(body: string): Fields | null {
  try {
    return JSON.parse(body) as Fields;
  } catch {
    return null;
  }
}

async function change(method: string, body: string, place: { zone: string; record: string }) {
  const { zone, record } = place;
  const records = await readZone(zone);
  const old = records.find(({ id }) => `r${id}` === record);
  if (record !== '' && old === undefined) return fail(404, 81044, 'Record does not exist.');
  if (method === 'DELETE' && old !== undefined) {
    await editZone(zone, [{ ...old, action: 'delete' }]);
    return good({ id: record });
  }
  const fields = parse(body);
  if (fields === null) return fail(400, 6007, 'Malformed JSON in request body');
  const type = String(fields.type ?? old?.type);
  const asked = String(fields.name ?? old?.name);
  const name = asked === zone || asked.endsWith(`.${zone}`) ? asked : `${asked}.${zone}`;
  const ttl = Number(fields.ttl ?? old?.ttl ?? 1);
  if (ttl !== 1 && (ttl < 60 || ttl > 86_400)) {
    return fail(
      400,
      1004,
      'DNS Validation Error',
      'ttl must be 1, or between 60 and 86400 seconds.',
    );
  }
  const said = dataOf(type, fields);
  if ('problem' in said) return fail(400, 1004, 'DNS Validation Error', said.problem);
  const wanted = { name, type, ttl: ttl === 1 ? 300 : ttl, data: said.data };
  const same = records.some((one) => keyOf(one) === keyOf(wanted) && one !== old);
  if (same) return fail(400, 81058, 'An identical record already exists.');
  if (old !== undefined) rename(keyOf(old), keyOf(wanted));
  const gone: Edit[] = old === undefined ? [] : [{ ...old, action: 'delete' }];
  await editZone(zone, [...gone, { ...wanted, action: 'add' }]);
  const now = (await readZone(zone)).find((one) => keyOf(one) === keyOf(wanted));
  return good(now === undefined ? null : shown(now));
}

export async function answerCloudflare(
  request: Request,
  body: string,
  accounts: readonly ProviderAccount[],
): Promise<Response> {
  const token = request.headers.get('Authorization') ?? '';
  const account = accounts.find(({ credentials }) => token === `Bearer ${credentials.api_token}`);
  if (account === undefined) return fail(403, 10000, 'Authentication error');
  const url = new URL(request.url);
  const [first, id, what, record = ''] = url.pathname.split('/').slice(3);
  if (first === 'user') return good({ status: 'active' });
  const zones = account.zones.map((name) => ({
    id: cloudflareZoneId(name),
    name,
    status: 'active',
  }));
  if (id === undefined) {
    const name = url.searchParams.get('name');
    return paged(
      url,
      zones.filter((zone) => name === null || zone.name === name),
    );
  }
  const zone = zones.find((one) => one.id === id)?.name;
  if (zone === undefined || what !== 'dns_records') return fail(404, 7003, 'Could not route to it');
  if (request.method !== 'GET') {
    const refused = account.fault?.replace('refuse ', '');
    if (parse(body)?.type === refused) return fail(400, 1004, 'DNS Validation Error', 'not today');
    return change(request.method, body, { zone, record });
  }
  const [type, name] = [url.searchParams.get('type'), url.searchParams.get('name')];
  const found = (await readZone(zone)).filter(
    (one) => (type === null || one.type === type) && (name === null || one.name === name),
  );
  return paged(url, found.map(shown));
}
