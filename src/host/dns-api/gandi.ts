// Gandi's LiveDNS API v5 (https://api.gandi.net/docs/livedns/): whole record sets. Foreign values in a set are
// sent back byte for byte as they were read.

import type { Host } from '../host.ts';
import { type Account, type ApiChange, type ApiZone, type DnsApi, TTL_BOUNDS } from './api.ts';
import { formatRdata, parseRdata } from './rdata.ts';
import { type ApiManner, type ApiSession, createSession, fieldOf, listOf } from './session.ts';

type GandiAccount = Extract<Account, { provider: 'gandi' }>;

const BASE = 'https://api.gandi.net/v5/livedns';

function explain(data: unknown): string | null {
  const described = listOf(fieldOf(data, 'errors')).flatMap((one) => {
    const [name, text] = [fieldOf(one, 'name'), fieldOf(one, 'description')];
    return typeof text === 'string' ? `${typeof name === 'string' ? `${name}: ` : ''}${text}` : [];
  });
  const message = fieldOf(data, 'message');
  if (described.length > 0) return described.join('; ');
  return typeof message === 'string' ? message : null;
}

function mannerOf({ apiKey }: GandiAccount): ApiManner {
  return {
    ...{ title: 'Gandi', base: BASE, secrets: [apiKey], explain },
    headers: async () => ({ Authorization: `Bearer ${apiKey}` }),
    isDenied: (status) => status === 401 || status === 403,
  };
}

interface Place {
  readonly zone: string;
  /** The organization, as a query; empty without one. */
  readonly query: string;
}

async function changeSet(session: ApiSession, place: Place, set: ApiChange): Promise<void> {
  const { zone, query } = place;
  const { name, type, add, remove } = set;
  const sub = name === zone ? '@' : name.slice(0, -zone.length - 1);
  const path = `/domains/${zone}/records/${encodeURIComponent(sub)}/${type}${query}`;
  const { status, data } = await session.call({ method: 'GET', path, accept: [404] });
  const present = listOf(status === 404 ? [] : fieldOf(data, 'rrset_values')).map((text) => ({
    text: String(text),
    value: parseRdata(type, String(text), zone),
  }));
  const kept = present.filter(({ value }) => !remove.includes(value) || add.includes(value));
  const missing = add.filter((value) => !present.some((one) => one.value === value));
  if (missing.length === 0 && kept.length === present.length) return;
  const values = [...kept.map(({ text }) => text), ...missing.map((one) => formatRdata(type, one))];
  if (values.length === 0) {
    await session.call({ method: 'DELETE', path, accept: [404] });
    return;
  }
  const [least] = TTL_BOUNDS.gandi;
  const ttl = present.length > 0 ? Math.max(Number(fieldOf(data, 'rrset_ttl')), least) : set.ttl;
  await session.call({
    ...{ method: 'PUT', path },
    body: { rrset_ttl: ttl, rrset_values: values },
  });
}

export function createGandi(host: Host, account: GandiAccount): DnsApi {
  const session = createSession(host, mannerOf(account));
  const { sharingId } = account;
  const query = sharingId === null ? '' : `?sharing_id=${encodeURIComponent(sharingId)}`;
  const zoneAt = (zone: string): ApiZone => ({
    id: null,
    change: (set) => session.patiently(() => changeSet(session, { zone, query }, set)),
    finish: () => Promise.resolve(),
  });
  return {
    provider: 'gandi',
    openZone: async (zone) => {
      const path = `/domains/${zone}${query}`;
      const { status } = await session.patiently(() =>
        session.call({ method: 'GET', path, accept: [404] }),
      );
      return status === 404 ? null : zoneAt(zone);
    },
  };
}
