// Who is signed in to the account pages. A session ends with the password that opened it, by signing out, after 30
// minutes without a request and 12 hours in all. serve alone writes the file.

import { array, object, pipe, regex, string } from 'valibot';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import type { Mailbox } from '../accounts/model.ts';
import type { Address } from '../address.ts';
import { moment, type OpenState, openState, type StateFile } from '../container/state-file.ts';
import type { Paths } from '../paths.ts';
import { createToken, hashMark } from './token.ts';

const IDLE_MS = 30 * 60_000;
const LONGEST_MS = 12 * 3_600_000;
const MAX_FOR_ADDRESS = 20;
const MAX_IN_ALL = 2000;

interface Session {
  readonly digest: string;
  readonly address: string;
  /** `hashMark` of the password that opened it. */
  readonly opened_with: string;
  readonly began: string;
}

interface StoredSessions {
  readonly sessions: readonly Session[];
}

export const SESSIONS: StateFile<StoredSessions> = {
  path: (paths) => `${paths.selfService}/sessions.json`,
  schema: object({
    sessions: array(
      object({
        digest: pipe(string(), regex(/^[0-9a-f]{64}$/)),
        address: string(),
        opened_with: string(),
        began: moment,
      }),
    ),
  }),
  empty: { sessions: [] },
  whenDamaged: {
    goOnWith: async () => ({ sessions: [] }),
    lost: 'everybody has to sign in to the account pages again',
  },
  ownFolder: true,
};

export interface Sessions {
  /** The address that a session belongs to, and the mark of its password; null when it has ended. */
  find(token: string, now: Date): Session | null;
  /** Returns the token. */
  open(mailbox: Mailbox, now: Date): Promise<string>;
  close(token: string): Promise<void>;
  closeAll(address: Address): Promise<void>;
}

/** False when the password has changed since. */
export function isOpenedWith(session: Session, mailbox: Mailbox): boolean {
  return session.opened_with === hashMark(mailbox.hash);
}

function isAlive({ began }: Session, now: Date): boolean {
  const age = now.getTime() - Date.parse(began);
  return age >= 0 && age < LONGEST_MS;
}

/** The newest ones, within the limits. */
function withinLimits(sessions: readonly Session[], now: Date): Session[] {
  const counts = new Map<string, number>();
  const kept = sessions.filter((one) => {
    const count = (counts.get(one.address) ?? 0) + 1;
    counts.set(one.address, count);
    return count <= MAX_FOR_ADDRESS && isAlive(one, now);
  });
  return kept.slice(0, MAX_IN_ALL);
}

export async function openSessions(host: Host, paths: Paths): Promise<Sessions> {
  const state: OpenState<StoredSessions> = await openState(host, paths, SESSIONS);
  /** When each session was used last: only in memory, so that a page view writes nothing to flash. */
  const used = new Map<string, number>();
  const find = (digest: string, now: Date): Session | null => {
    const session = state.current.sessions.find((one) => one.digest === digest);
    const last = used.get(digest) ?? now.getTime();
    const idle = Math.abs(now.getTime() - last) >= IDLE_MS;
    if (session === undefined || idle || !isAlive(session, now)) return null;
    used.set(digest, now.getTime());
    return session;
  };
  let writing: Promise<void> = Promise.resolve();
  /** One write after the other: requests come at the same time. */
  const write = (change: (sessions: readonly Session[]) => Session[]): Promise<void> => {
    const next = writing.then(async () => {
      const sessions = change(state.current.sessions);
      const digests = new Set(sessions.map(({ digest }) => digest));
      for (const digest of used.keys()) if (!digests.has(digest)) used.delete(digest);
      await state.write({ sessions });
    });
    writing = next.catch(() => undefined);
    return next;
  };
  return {
    find: (token, now) => find(digestText(token), now),
    open: async ({ address, hash }, now) => {
      const { text, digest } = createToken();
      const session = { digest, address, opened_with: hashMark(hash), began: now.toISOString() };
      used.set(digest, now.getTime());
      await write((sessions) => withinLimits([session, ...sessions], now));
      return text;
    },
    close: (token) =>
      write((sessions) => sessions.filter(({ digest }) => digest !== digestText(token))),
    closeAll: (address) => write((sessions) => sessions.filter((one) => one.address !== address)),
  };
}
