// Rotation of DKIM keys, during which every message stays verifiable: a new key is published, visible at every
// authoritative server, then signs, and the old one stays published for a grace period. A run may be
// interrupted after any step; the next run continues.

import { MailctlError } from '../../errors.ts';
import { isPlausible, requireClock } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import { readDirectory } from '../accounts/accounts.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { type OpenState, openState } from '../container/state-file.ts';
import { recordsOf, removePublished, requirePublished } from './announce.ts';
import { ensureDkimKey, isReloadOwed, keySelectors } from './key-files.ts';
import { expired, newSelector, nextStep, switched, withRevoked, withWaiting } from './plan.ts';
import type { Selector } from './record.ts';
import { followDomains } from './signing.ts';
import {
  DKIM_STATE,
  type DkimState,
  type DomainKey,
  domainKeys,
  keyFile,
  readDkimState,
} from './state.ts';

/** `done`: one sentence for each step. */
export interface RotationReport {
  readonly domain: MailDomain;
  readonly signing: Selector;
  readonly done: readonly string[];
}

/** One domain's keys in one run. The run holds the appliance's lock, so the state is read once. */
interface DomainRun {
  readonly domain: MailDomain;
  readonly state: OpenState<DkimState>;
}

async function setKeys({ state, domain }: DomainRun, keys: readonly DomainKey[]): Promise<void> {
  await state.write({ ...state.current, [domain]: keys });
}

const keysOf = (host: Host, target: Appliance, { state, domain }: DomainRun) =>
  domainKeys(host, target, { state: state.current, domain });

/** Adds a waiting key. Its file is written before the state names it. */
async function addWaiting(host: Host, target: Appliance, run: DomainRun): Promise<void> {
  const keys = await keysOf(host, target, run);
  if (keys.some(({ use }) => use === 'waiting')) return;
  const now = host.clock.now();
  const selector = newSelector(target.settings.dns.dkimSelector, now);
  await ensureDkimKey(host, target, { domain: run.domain, selector });
  await setKeys(run, withWaiting(keys, selector, now));
}

/** Publishes the waiting key and makes it the signing key. Throws what `publishValues` throws. */
async function bringIntoUse(host: Host, target: Appliance, run: DomainRun): Promise<string[]> {
  const { domain } = run;
  const keys = await keysOf(host, target, run);
  const waiting = keys.find(({ use }) => use === 'waiting');
  if (waiting === undefined) return [];
  const records = await recordsOf(host, target, { domain, selector: waiting.selector });
  if (records.length === 0) {
    // without its file the key cannot be published; the next rotation makes another
    const left = keys.filter((key) => key !== waiting);
    await setKeys(run, left);
    return [`the file of the new key ${waiting.selector} of ${domain} is missing; dropped the key`];
  }
  await requirePublished(host, target, records);
  const grace = target.settings.dns.dkimGrace;
  const after = switched(keys, { now: host.clock.now(), grace });
  await setKeys(run, after);
  await followDomains(host, target, run.state.current);
  const [old] = keys;
  const signed = `mail of ${domain} is signed with ${waiting.selector}`;
  if (old?.revoked) return [signed];
  const until = after.find(({ selector }) => selector === old?.selector)?.removeAt?.slice(0, 10);
  return [`${signed}; ${old?.selector} stays published until ${until}`];
}

/** Deletes a key: first its record, then its file. The zone of a removed domain is not changed. */
async function removeKey(
  host: Host,
  target: Appliance,
  { run, key, ours = true }: { run: DomainRun; key: DomainKey; ours?: boolean },
): Promise<string> {
  const { domain } = run;
  const { selector } = key;
  const byHand = !ours || target.settings.dns.provider === 'none';
  if (!byHand) {
    await removePublished(host, target, await recordsOf(host, target, { domain, selector }));
  }
  const left = (await keysOf(host, target, run)).filter((one) => one.selector !== selector);
  await setKeys(run, left);
  const files = await keySelectors(host, target.paths, { domain, selector });
  // the RSA key last: a key is new where it is missing
  for (const one of files.toReversed()) await host.files.remove(keyFile(target.paths, domain, one));
  const hint = byHand
    ? `; remove: ${files.map((one) => `${one}._domainkey.${domain} TXT`).join(', ')}`
    : '';
  return `the old key ${selector} of ${domain} is removed${hint}`;
}

function requireSigning({ settings }: Appliance): void {
  if (settings.features.dkim) return;
  throw new MailctlError('DKIM_OFF', 'DKIM signing is disabled (features.dkim is 0)', {
    hint: 'mailctl set features.dkim 1; mailctl apply',
  });
}

async function requireIdle(host: Host, target: Appliance, run: DomainRun): Promise<void> {
  const { domain } = run;
  const retired = (await keysOf(host, target, run)).find(({ use }) => use === 'retired');
  if (retired === undefined) return;
  const until = retired.removeAt?.slice(0, 10);
  throw new MailctlError(
    'DKIM_BUSY',
    `${domain} is still in a rotation: the key ${retired.selector} stays published until ${until}`,
    { hint: `mailctl dkim show ${domain}   (in an emergency: mailctl dkim revoke ${domain})` },
  );
}

async function reportOf(
  host: Host,
  target: Appliance,
  { run, done }: { run: DomainRun; done: readonly string[] },
): Promise<RotationReport> {
  const [signing] = await keysOf(host, target, run);
  return { domain: run.domain, signing: signing?.selector ?? '', done };
}

/**
 * Rotates the domain to a new key, or to the waiting key of an interrupted run. Throws DKIM_OFF; CLOCK_UNSET;
 * DKIM_BUSY while an old key is still published; what `publishValues` throws, and then the old key still signs.
 */
export async function rotate(
  host: Host,
  target: Appliance,
  domain: MailDomain,
): Promise<RotationReport> {
  requireSigning(target);
  // with the clock in 1970, removeAt would be in the past as soon as the clock is set
  requireClock(host.clock);
  const run = { domain, state: await openState(host, target.paths, DKIM_STATE) };
  await requireIdle(host, target, run);
  await addWaiting(host, target, run);
  const done = await bringIntoUse(host, target, run);
  return reportOf(host, target, { run, done });
}

/** Takes one domain's due steps. Those for a revoked key do not need a correct clock. */
async function stepsOf(
  host: Host,
  target: Appliance,
  { run, ours }: { run: DomainRun; ours: boolean },
): Promise<string[]> {
  const now = host.clock.now();
  const [signing] = await keysOf(host, target, run);
  const revoked = signing?.revoked ?? false;
  if (ours && revoked) await addWaiting(host, target, run);
  const done = ours && (revoked || isPlausible(now)) ? await bringIntoUse(host, target, run) : [];
  for (const key of expired(await keysOf(host, target, run), now)) {
    done.push(await removeKey(host, target, { run, key, ours }));
  }
  return done;
}

/** Takes all due steps of all domains. Throws the first failure, after the other domains. */
export async function takeSteps(host: Host, target: Appliance): Promise<RotationReport[]> {
  const { directory } = await readDirectory(host, target);
  // after an interrupted run OpenDKIM may still use a key that is removed below
  const state = await openState(host, target.paths, DKIM_STATE);
  await followDomains(host, target, state.current);
  const reports: RotationReport[] = [];
  let failure: unknown = null;
  for (const domain of Object.keys(state.current) as MailDomain[]) {
    const run = { domain, state };
    try {
      const done = await stepsOf(host, target, { run, ours: directory.domains.has(domain) });
      if (done.length > 0) reports.push(await reportOf(host, target, { run, done }));
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      failure ??= error;
    }
  }
  for (const { done } of reports) for (const sentence of done) host.say(sentence);
  if (failure !== null) throw failure;
  return reports;
}

/**
 * The key to revoke: the given selector, else that of an interrupted revocation, else the signing key.
 * Throws SELECTOR_UNKNOWN.
 */
export async function revocable(
  host: Host,
  target: Appliance,
  wanted: { domain: MailDomain; selector: Selector | null; state?: DkimState },
): Promise<DomainKey> {
  const { domain, selector } = wanted;
  const state = wanted.state ?? (await readDkimState(host, target.paths));
  const keys = await domainKeys(host, target, { state, domain });
  const found =
    selector === null
      ? (keys.find(({ revoked }) => revoked) ?? keys[0])
      : keys.find((key) => key.selector === selector);
  if (found !== undefined) return found;
  throw new MailctlError('SELECTOR_UNKNOWN', `${domain} has no DKIM key ${selector}`, {
    hint: `mailctl dkim show ${domain}`,
  });
}

/**
 * Revokes a compromised key: a new key signs as soon as it is published, and the old record is removed without
 * a grace period. Messages signed with the old key then fail verification. `takeSteps` continues an interrupted
 * revocation. Throws DKIM_OFF, SELECTOR_UNKNOWN, what `publishValues` throws.
 */
export async function revoke(
  host: Host,
  target: Appliance,
  { domain, selector }: { domain: MailDomain; selector: Selector | null },
): Promise<RotationReport> {
  requireSigning(target);
  const state = await openState(host, target.paths, DKIM_STATE);
  const run = { domain, state };
  const key = await revocable(host, target, { domain, selector, state: state.current });
  if (key.use === 'waiting') {
    const done = [await removeKey(host, target, { run, key })];
    return reportOf(host, target, { run, done });
  }
  await setKeys(run, withRevoked(await keysOf(host, target, run), key.selector));
  await followDomains(host, target, state.current);
  const done = await stepsOf(host, target, { run, ours: true });
  return reportOf(host, target, { run, done });
}

/** For the scheduler: the next time at which `takeSteps` acts; null when there is none. */
export async function rotationDue(host: Host, target: Appliance): Promise<Date | null> {
  const now = host.clock.now();
  if (await isReloadOwed(host, target.paths)) return now;
  const state: DkimState = await readDkimState(host, target.paths);
  if (Object.keys(state).length === 0) return null;
  const { domains } = (await readDirectory(host, target)).directory;
  const moments = Object.entries(state).flatMap(([domain, keys]) => {
    const ours = domains.has(domain as MailDomain);
    return nextStep(keys, { now, ours })?.getTime() ?? [];
  });
  return moments.length === 0 ? null : new Date(Math.min(...moments));
}
