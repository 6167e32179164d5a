// The keys of each rotated domain and their use: <data>/dkim/keys.json, readable by root only. A domain that
// was never rotated has no entry, and its only key signs.

import { join } from 'node:path';
import {
  array,
  boolean,
  check,
  nullable,
  object,
  picklist,
  pipe,
  record,
  regex,
  string,
  transform,
} from 'valibot';
import type { Host } from '../../host/host.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { moment, readState, type StateFile } from '../container/state-file.ts';
import type { Paths } from '../paths.ts';
import { DEFAULT_SELECTOR, ed25519Selector, type Selector } from './record.ts';

/** `waiting`: not yet visible at every authoritative server. `retired`: no longer signs, still published. */
export type KeyUse = 'waiting' | 'signing' | 'retired';

export interface DomainKey {
  readonly selector: Selector;
  readonly use: KeyUse;
  /** RFC 3339: start of this use; null for the first key of a domain. */
  readonly since: string | null;
  /** RFC 3339: when a retired key is removed. */
  readonly removeAt: string | null;
  /** Compromised: removed as soon as another key signs. */
  readonly revoked: boolean;
}

/** The keys of every rotated domain; exactly one of each signs. */
export type DkimState = Readonly<Record<string, readonly DomainKey[]>>;

export const keyFile = (paths: Paths, domain: string, selector: Selector): string =>
  join(paths.dkim, domain, `${selector}.private`);

const key = object({
  selector: pipe(string(), regex(/^[a-z0-9-]{1,63}$/)),
  use: picklist(['waiting', 'signing', 'retired']),
  since: nullable(moment),
  removeAt: nullable(moment),
  revoked: boolean(),
});

const keys = pipe(
  array(key),
  check((all) => all.filter(({ use }) => use === 'signing').length === 1),
);

export const DKIM_STATE: StateFile<DkimState> = {
  path: (paths) => join(paths.dkim, 'keys.json'),
  schema: pipe(
    object({ domains: record(string(), keys) }),
    transform(({ domains }) => domains),
  ),
  encode: (domains) => ({ v: 1, domains }),
  empty: {},
  // without the file the first key of a domain signs, which may be revoked
  whenDamaged: { withoutIt: 'then the first key of each domain signs, even if it was revoked' },
};

export function readDkimState(host: Host, paths: Paths): Promise<DkimState> {
  return readState(host, paths, DKIM_STATE);
}

/** The selector of a domain that was never rotated: that of its key file, else dns.dkim_selector. */
async function onlySelector(host: Host, target: Appliance, domain: MailDomain): Promise<Selector> {
  const wanted = target.settings.dns.dkimSelector;
  const folder = join(target.paths.dkim, domain);
  if ((await host.files.stat(folder)) === null) return wanted;
  const there = (await host.files.list(folder))
    .filter((name) => name.endsWith('.private') && !name.startsWith('.'))
    .map((name) => name.replace(/\.private$/, ''))
    .filter((name) => !name.endsWith(ed25519Selector('')))
    .sort();
  if (there.length === 0 || there.includes(wanted)) return wanted;
  return there.includes(DEFAULT_SELECTOR) ? DEFAULT_SELECTOR : (there[0] ?? wanted);
}

/** The keys of the domain, the signing one first. */
export async function domainKeys(
  host: Host,
  target: Appliance,
  { state, domain }: { state: DkimState; domain: MailDomain },
): Promise<readonly DomainKey[]> {
  const known = state[domain];
  if (known !== undefined) {
    return [...known].sort((a, b) => Number(b.use === 'signing') - Number(a.use === 'signing'));
  }
  const selector = await onlySelector(host, target, domain);
  return [{ selector, use: 'signing', since: null, removeAt: null, revoked: false }];
}
