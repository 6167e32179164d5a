// Who attacks what, in which order, and from where. Addresses are inside the lab's namespaces alone.

import type { Random } from '../seed.ts';
import { DOMAINS } from '../system/lab/plan.ts';

export const ATTACKS = ['logins', 'messages', 'guesses', 'sieve', 'silent'] as const;
export type AttackName = (typeof ATTACKS)[number];

export interface Phase {
  name: string;
  attacks: readonly AttackName[];
  seconds: number;
}

/** Half of the time each by itself, after the same without an attack; the other half all at once. */
export function planPhases(minutes: number): Phase[] {
  const part = (minutes * 60) / 12;
  return [
    { name: 'no attack', attacks: [], seconds: part },
    ...ATTACKS.map((name) => ({ name, attacks: [name], seconds: part })),
    { name: 'all at once', attacks: ATTACKS, seconds: 6 * part },
  ];
}

/** RFC 2544: the attackers' addresses, as many as they want. The lab's outside world speaks from them. */
export const ATTACK_NETWORK = '198.18.0.0/15';

/** A domain without SPF and DMARC, so that any address may send from it. */
export const FLOOD_DOMAIN = 'flood.test';

const ours = (name: string) => `${name}@${DOMAINS.ours}`;

export const ACCOUNTS = {
  /** its password is guessed */
  target: ours('target'),
  /** receives the hostile messages */
  victim: ours('victim'),
  /** its password was stolen: sends hostile messages */
  stolen: ours('stolen'),
  /** its password was stolen: has a Sieve script that redirects and replies */
  script: ours('script'),
  /** many right logins at once */
  crowd: ours('crowd'),
} as const;

export const userName = (n: number): string => `user${n}`;
export const userAddress = (n: number): string => ours(userName(n));

/** Legitimate users come from these, one each; no attack does. */
export const userSource = (n: number): string => `198.51.100.${54 + (n % 46)}`;
export const crowdSource = (n: number): string => `198.51.100.${100 + n}`;
export const USER_NETWORK = '198.51.100.';
export const CROWD = 20;

export interface Addresses {
  /** one of those in use, at random */
  take(): string;
  /** one that was not used before */
  fresh(): string;
  /** puts a new one in its place: it was banned, or will be */
  exchange(address: string): void;
  /** how many were exchanged */
  exchanged(): number;
}

export function attackAddresses(size: number, random: Random): Addresses {
  let last = 0;
  let exchanged = 0;
  const fresh = () => {
    last += 1;
    // no address ends in .0 or .255
    const [high, low] = [Math.floor(last / 254), (last % 254) + 1];
    return `198.${18 + (high >> 8)}.${high & 255}.${low}`;
  };
  const inUse = Array.from({ length: size }, fresh);
  return {
    take: () => inUse[Math.floor(random() * size)] ?? fresh(),
    fresh,
    exchange: (address) => {
      const at = inUse.indexOf(address);
      if (at < 0) return;
      inUse[at] = fresh();
      exchanged += 1;
    },
    exchanged: () => exchanged,
  };
}
