// Which keys a domain has beside the one that always signs: one that waits to be published everywhere, or
// one that signs no more and stays published for a while. <data>/dkim/keys.json, for root alone; a domain
// that was never rotated has no entry, and its only key signs.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import type { Paths } from '../paths.ts';
import { DEFAULT_SELECTOR, type Selector } from './record.ts';

/** `waiting`: made, not yet seen everywhere. `retired`: signs no more, still published. */
export type KeyUse = 'waiting' | 'signing' | 'retired';

export interface DomainKey {
  readonly selector: Selector;
  readonly use: KeyUse;
  /** RFC 3339: since when it is used so; null for a key that never was changed. */
  readonly since: string | null;
  /** RFC 3339: when a retired one is taken away. */
  readonly removeAt: string | null;
  /** Others may have it: gone as soon as another signs. */
  readonly revoked: boolean;
}

/** Every domain that was ever rotated; exactly one key of each signs. */
export type DkimState = Readonly<Record<string, readonly DomainKey[]>>;

const stateFile = (paths: Paths): string => join(paths.dkim, 'keys.json');

export const keyFile = (paths: Paths, domain: string, selector: Selector): string =>
  join(paths.dkim, domain, `${selector}.private`);

function isState(found: unknown): found is { domains: DkimState } {
  const domains = (found as { domains?: unknown } | null)?.domains;
  if (typeof domains !== 'object' || domains === null) return false;
  return Object.values(domains).every(
    (keys) =>
      Array.isArray(keys) &&
      keys.filter((key: Partial<DomainKey>) => key.use === 'signing').length === 1 &&
      keys.every((key: Partial<DomainKey>) => /^[a-z0-9-]{1,63}$/.test(key.selector ?? '')),
  );
}

/** Throws DKIM_KEY_INVALID that names the file. */
export async function readDkimState(host: Host, paths: Paths): Promise<DkimState> {
  const path = stateFile(paths);
  const text = await host.files.read(path);
  if (text === null) return {};
  let found: unknown;
  let cause: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    cause = error;
  }
  if (isState(found)) return found.domains;
  throw new MailctlError('DKIM_KEY_INVALID', `${path} is damaged`, {
    hint: `restore it from a backup; or rm ${path}   (then the first key of each domain signs)`,
    cause,
  });
}

export async function writeDkimState(host: Host, paths: Paths, domains: DkimState): Promise<void> {
  const path = stateFile(paths);
  const text = `${JSON.stringify({ v: 1, domains }, null, 1)}\n`;
  if ((await host.files.read(path)) === text) return;
  await host.files.replace(path, text, { mode: 0o600 });
}

/** The key of a domain that was never rotated: the one that is there, else the one that UCI names. */
async function onlySelector(host: Host, target: Appliance, domain: MailDomain): Promise<Selector> {
  const wanted = target.settings.dns.dkimSelector;
  const folder = join(target.paths.dkim, domain);
  if ((await host.files.stat(folder)) === null) return wanted;
  const there = (await host.files.list(folder))
    .filter((name) => name.endsWith('.private') && !name.startsWith('.'))
    .map((name) => name.replace(/\.private$/, ''))
    .sort();
  if (there.length === 0 || there.includes(wanted)) return wanted;
  return there.includes(DEFAULT_SELECTOR) ? DEFAULT_SELECTOR : (there[0] ?? wanted);
}

/** The one that signs first. */
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
