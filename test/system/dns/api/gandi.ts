// Stand-in for Gandi LiveDNS v5, as far as mailctl and dnsctl use it: record sets, a TTL of at least 300 s, bearer token.

import type { ProviderAccount } from './accounts.ts';
import { type Edit, editZone, quoted, readZone } from './store.ts';

const error = (code: number, cause: string, message: string) =>
  Response.json(
    { code, cause, message, object: `HTTP${cause.replace(' ', '')}` },
    { status: code },
  );

const invalid = (name: string, description: string) =>
  Response.json(
    { status: 'error', errors: [{ location: 'body', name, description }] },
    { status: 400 },
  );

interface RecordSet {
  readonly rrset_ttl?: number;
  readonly rrset_values?: readonly string[];
}

function parse(body: string): RecordSet | null {
  try {
    return JSON.parse(body) as RecordSet;
  } catch {
    return null;
  }
}

async function answerSet(request: Request, body: string, place: { zone: string; path: string[] }) {
  const { zone, path } = place;
  const [sub = '', type = ''] = path;
  const name = sub === '@' ? zone : `${sub}.${zone}`;
  const present = (await readZone(zone)).filter((one) => one.name === name && one.type === type);
  const [first] = present;
  if (request.method === 'GET') {
    if (first === undefined) return error(404, 'Not Found', "Can't find the DNS record");
    const values = present.map(({ data }) => data);
    return Response.json({
      ...{ rrset_name: sub, rrset_type: type, rrset_ttl: first.ttl, rrset_values: values },
    });
  }
  const removing = present.map((one): Edit => ({ ...one, action: 'delete' }));
  if (request.method === 'DELETE') {
    if (first === undefined) return error(404, 'Not Found', 'The resource could not be found.');
    await editZone(zone, removing);
    return new Response(null, { status: 204 });
  }
  const set = parse(body);
  if (set === null) return error(400, 'Bad Request', 'The request body is not valid JSON');
  const { rrset_ttl: ttl = 10_800, rrset_values: values = [] } = set;
  if (ttl < 300) return invalid('rrset_ttl', `${ttl} is less than minimum value 300`);
  if (values.length === 0) return invalid('rrset_values', 'Shorter than minimum length 1.');
  if (request.method === 'POST' && first !== undefined) {
    return error(409, 'Duplicate Entry', 'A DNS Record already exists');
  }
  const adding = values.map((value): Edit => {
    const data = type === 'TXT' ? quoted(value) : value;
    return { action: 'add', name, type, ttl, data };
  });
  await editZone(zone, [...removing, ...adding]);
  return Response.json({ message: 'DNS Record Created' }, { status: 201 });
}

export async function answerGandi(
  request: Request,
  body: string,
  accounts: readonly ProviderAccount[],
): Promise<Response> {
  const token = request.headers.get('Authorization') ?? '';
  const account = accounts.find(({ credentials }) => token === `Bearer ${credentials.api_key}`);
  if (account === undefined) {
    const words = "The server could not verify that you're authorized to access the document";
    return error(401, 'Unauthorized', `${words} you requested (${token}).`);
  }
  const segments = new URL(request.url).pathname.split('/').slice(4).map(decodeURIComponent);
  const [zone, what, ...path] = segments;
  if (zone === undefined) {
    return Response.json(account.zones.map((fqdn) => ({ fqdn, fqdn_unicode: fqdn })));
  }
  if (!account.zones.includes(zone)) return error(404, 'Not Found', `Unknown domain ${zone}`);
  if (what !== 'records') return Response.json({ fqdn: zone });
  const refused = account.fault?.replace('refuse ', '');
  if (request.method !== 'GET' && path[1] === refused) {
    return error(400, 'Bad Request', `${refused} records are not possible today`);
  }
  return answerSet(request, body, { zone, path });
}
