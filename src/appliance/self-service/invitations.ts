// One-time links with which a person sets the password of a mailbox. A link is void once it is used, after two days,
// when the password changes in any other way, and when a newer one is made.

import { array, object, pipe, regex, string } from 'valibot';
import type { Host } from '../../host/host.ts';
import type { Address } from '../address.ts';
import { moment, openState, readState, type StateFile } from '../container/state-file.ts';
import type { Paths } from '../paths.ts';
import { createToken, hashMark } from './token.ts';

const VALID_MS = 48 * 3_600_000;

interface Invitation {
  /** Of its token. */
  readonly digest: string;
  readonly address: string;
  /** `hashMark` of the password that it replaces. */
  readonly replaces: string;
  readonly expires: string;
}

interface Invitations {
  readonly invitations: readonly Invitation[];
}

export const INVITATIONS: StateFile<Invitations> = {
  path: (paths) => `${paths.selfService}/invitations.json`,
  schema: object({
    invitations: array(
      object({
        digest: pipe(string(), regex(/^[0-9a-f]{64}$/)),
        address: string(),
        replaces: string(),
        expires: moment,
      }),
    ),
  }),
  empty: { invitations: [] },
  whenDamaged: {
    goOnWith: async () => ({ invitations: [] }),
    lost: 'links that were sent are void; mailctl user invite makes new ones',
  },
  ownFolder: true,
};

function isCurrent({ expires }: Invitation, now: Date): boolean {
  const left = Date.parse(expires) - now.getTime();
  // longer than any is valid: the clock was ahead when it was made
  return left > 0 && left <= VALID_MS;
}

export interface CreatedInvitation {
  readonly token: string;
  readonly expires: Date;
}

/** The caller holds the appliance's lock. @param hash of the password that the link may replace */
export async function createInvitation(
  host: Host,
  paths: Paths,
  { address, hash }: { address: Address; hash: string },
): Promise<CreatedInvitation> {
  const state = await openState(host, paths, INVITATIONS);
  const now = host.clock.now();
  const { text, digest } = createToken();
  const expires = new Date(now.getTime() + VALID_MS);
  const kept = state.current.invitations.filter(
    (one) => one.address !== address && isCurrent(one, now),
  );
  const created = {
    ...{ digest, address, replaces: hashMark(hash) },
    expires: expires.toISOString(),
  };
  await state.write({ invitations: [...kept, created] });
  return { token: text, expires };
}

/** The invitation of a token, if it has neither expired nor been replaced. */
export async function findInvitation(
  host: Host,
  paths: Paths,
  digest: string,
): Promise<Invitation | null> {
  const { invitations } = await readState(host, paths, INVITATIONS);
  const found = invitations.find((one) => one.digest === digest);
  return found !== undefined && isCurrent(found, host.clock.now()) ? found : null;
}

/** True while the mailbox still has the password that the invitation replaces. */
export function mayReplace(invitation: Invitation, hash: string): boolean {
  return invitation.replaces === hashMark(hash);
}

/** Forgets invitations that are used or have expired. The caller holds the appliance's lock. */
export async function dropInvitation(host: Host, paths: Paths, digest: string): Promise<void> {
  const state = await openState(host, paths, INVITATIONS);
  const now = host.clock.now();
  const invitations = state.current.invitations.filter(
    (one) => one.digest !== digest && isCurrent(one, now),
  );
  await state.write({ invitations });
}
