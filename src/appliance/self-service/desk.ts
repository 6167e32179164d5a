// What the answers to requests of `mailctl web` share: the accounts, the sessions, and the limits of attempts.

import type { IPv6 } from 'ipaddr.js';
import { MailctlError } from '../../errors.ts';
import type { Ask, Refusal, Reply } from '../../front/requests.ts';
import type { Turns } from '../../front/turns.ts';
import type { Host } from '../../host/host.ts';
import { contains, networkOf, parseIp, parseNetwork } from '../../host/ip.ts';
import { readDirectory } from '../accounts/accounts.ts';
import type { Mailbox } from '../accounts/model.ts';
import { endSessions } from '../accounts/sessions.ts';
import { type Address, parseAddress } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { isOpenedWith, type Sessions } from './sessions.ts';
import type { Throttle } from './throttle.ts';

export interface Desk {
  readonly host: Host;
  readonly target: Appliance;
  readonly sessions: Sessions;
  /** Failures of one client, and those for one account from all clients. */
  readonly throttle: { readonly client: Throttle; readonly account: Throttle };
  /** Password hashes are computed here. */
  readonly turns: Turns;
  log(text: string): void;
}

export interface Refused {
  readonly ok: false;
  readonly refusal: Refusal;
}

export const refuse = (refusal: Refusal): Refused => ({ ok: false, refusal });

export const agree = <T>(answer: T): { readonly ok: true; readonly answer: T } => ({
  ok: true,
  answer,
});

/** An IPv6 client owns a whole /64. */
function clientName(from: string): string {
  const ip = parseIp(from);
  if (ip?.version !== 6) return from;
  const { address } = ip as { address: IPv6 };
  if (address.isIPv4MappedAddress()) return address.toIPv4Address().toString();
  return networkOf(`${from}/64`) ?? from;
}

/** Networks that are never banned on the mail ports: a household behind one address must not lock itself out. */
function isIgnored({ target }: Desk, from: string): boolean {
  const ip = parseIp(from);
  return target.settings.fail2ban.ignore.some((text) => {
    const network = parseNetwork(text) ?? parseNetwork(`${text}/${text.includes(':') ? 128 : 32}`);
    return ip !== undefined && network !== undefined && contains(network, ip);
  });
}

/** @param account null where only the client counts */
export function isRefused(
  { host, throttle }: Desk,
  from: string,
  account: Address | null,
): boolean {
  const now = host.clock.now().getTime();
  if (throttle.client.isRefused(clientName(from), now)) return true;
  return account !== null && throttle.account.isRefused(account, now);
}

/** Counts a failed attempt; logs where one begins a refusal. */
export function countFailure(desk: Desk, from: string, account: Address | null): void {
  const { host, throttle, log } = desk;
  const now = host.clock.now().getTime();
  const client = clientName(from);
  if (!isIgnored(desk, from) && throttle.client.fail(client, now))
    log(`${client} is refused: too many failed attempts`);
  if (account !== null && throttle.account.fail(account, now)) {
    log(`attempts to sign in as ${account} are refused for a while: too many have failed`);
  }
}

/** Null for a text that is not an address. */
export function addressOf(text: string): Address | null {
  try {
    return parseAddress(text);
  } catch (error) {
    if (error instanceof MailctlError) return null;
    throw error;
  }
}

/** An active mailbox; null when there is none. */
export async function findMailbox(
  { host, target }: Desk,
  address: Address | null,
): Promise<Mailbox | null> {
  if (address === null) return null;
  const { directory } = await readDirectory(host, target);
  const mailbox = directory.mailboxes.get(address);
  return mailbox?.active ? mailbox : null;
}

/** The mailbox of a session; null when the session has ended. */
export async function findSignedIn(desk: Desk, token: string): Promise<Mailbox | null> {
  const session = desk.sessions.find(token, desk.host.clock.now());
  if (session === null) return null;
  const mailbox = await findMailbox(desk, addressOf(session.address));
  return mailbox !== null && isOpenedWith(session, mailbox) ? mailbox : null;
}

const LOCK_WAIT_MS = 10_000;

/** Runs a change of the accounts under the appliance's lock; `busy` when another command holds it for long. */
export async function underLock<A extends Ask>(
  { host, target }: Desk,
  change: () => Promise<Reply<A>>,
): Promise<Reply<A>> {
  const holder = 'mailctl serve (self-service)';
  try {
    const lock = { path: target.paths.lock, holder, wait: LOCK_WAIT_MS };
    return await host.locks.hold(lock, change);
  } catch (error) {
    if (error instanceof MailctlError && error.code === 'LOCKED') return refuse('busy');
    throw error;
  }
}

/** Ends open connections of mail programs. The change is made by then: a failure is logged, not answered. */
export async function endMailSessions(desk: Desk, address: Address): Promise<void> {
  try {
    await endSessions(desk.host, desk.target, address);
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    desk.log(`open connections of ${address} may continue: ${error.message}`);
  }
}
