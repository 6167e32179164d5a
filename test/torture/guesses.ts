// Guessed passwords: bursts of one from each of many addresses, and as many as one connection takes, over many
// connections of one address.

import type { Connection } from '../system/clients/connection.ts';
import { openImap } from '../system/clients/imap.ts';
import { openPop3 } from '../system/clients/pop3.ts';
import { openSieve } from '../system/clients/sieve.ts';
import { openSmtp } from '../system/clients/smtp.ts';
import { ACCOUNTS } from './plan.ts';
import { type Attack, inTime, pick, type Turn, times, type World } from './world.ts';

interface Guesser {
  session: Connection;
  guess(password: string): Promise<unknown>;
}
type OpenGuesser = (world: World, from: string) => Promise<Guesser>;

/** Sizes of the bursts that ended all logins once, and more. */
const BURSTS = [25, 50, 100];
const CONNECTIONS = 20;
/** as many as IMAP lets one connection try */
const MOST_GUESSES = 90;

const secure = ({ server: host }: World, port: number, from: string) => {
  return { host, port, tls: true, from };
};

const GUESSERS: Readonly<Record<string, OpenGuesser>> = {
  imap: async (world, from) => {
    const session = await openImap(world.connect, secure(world, 993, from));
    return { session, guess: (password) => session.login(ACCOUNTS.target, password) };
  },
  pop3: async (world, from) => {
    const session = await openPop3(world.connect, secure(world, 995, from));
    return { session, guess: (password) => session.login(ACCOUNTS.target, password) };
  },
  submission: async (world, from) => {
    const session = await openSmtp(world.connect, secure(world, 465, from));
    await session.hello();
    return { session, guess: (password) => session.login(ACCOUNTS.target, password) };
  },
  managesieve: async (world, from) => {
    const session = await openSieve(world.connect, { host: world.server, port: 4190, from });
    await session.starttls();
    return { session, guess: (password) => session.login('ghost@example.test', password) };
  },
};
const PROTOCOLS = Object.keys(GUESSERS);

interface Guessing {
  from: string;
  most: number;
}

/** Guesses over one connection until `most`, or until there is no answer; how many had one. */
async function guessFrom(world: World, turn: Turn, { from, most }: Guessing): Promise<number> {
  const open = GUESSERS[pick(world.random, PROTOCOLS)] as OpenGuesser;
  let answered = 0;
  let session: Connection | undefined;
  try {
    const guesser = await inTime(open(world, from));
    session = guesser.session;
    for (; answered < most && turn.isOn(); answered += 1) {
      await inTime(guesser.guess(`wrong ${world.random()}`));
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // banned, or the connection was ended after so many: on with another address
    world.count('guessing connections that were ended');
    world.addresses.exchange(from);
  }
  session?.close();
  world.count('guesses answered', answered);
  return answered;
}

/** Attack 1: simultaneous wrong logins; the right ones beside them come from the users. */
export const attackLogins: Attack = async (world, turn) => {
  while (turn.isOn()) {
    const size = pick(world.random, BURSTS);
    await Promise.all(
      times(size, () => guessFrom(world, turn, { from: world.addresses.take(), most: 1 })),
    );
    world.count(`bursts of ${size} guesses`);
    await turn.pause(500 + 2500 * world.random());
  }
};

/** Attack 3: one address after the other, each with many connections. */
export const attackGuesses: Attack = async (world, turn) => {
  while (turn.isOn()) {
    const from = world.addresses.fresh();
    const counts = await Promise.all(
      times(CONNECTIONS, () => guessFrom(world, turn, { from, most: MOST_GUESSES })),
    );
    world.count('addresses that guessed over many connections');
    world.count(
      'guesses of these addresses',
      counts.reduce((sum, one) => sum + one, 0),
    );
  }
};
