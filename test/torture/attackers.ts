// The attackers, a process of their own so that their work is no part of what users measure.
// usage: attackers.ts SEED; each line of its input names the attacks from now on, as JSON. At the end of the input it
// prints what was done, as JSON.

import { createInterface } from 'node:readline';
import { createRandom } from '../seed.ts';
import { startAgent } from '../system/lab/agent.ts';
import { NETWORK } from '../system/lab/plan.ts';
import { attackGuesses, attackLogins } from './guesses.ts';
import { attackMessages, attackSieve } from './mail.ts';
import { type AttackName, attackAddresses } from './plan.ts';
import { attackSilent } from './silent.ts';
import { type Attack, type StartedTurn, startTurn, type World } from './world.ts';

const ALL: Readonly<Record<AttackName, Attack>> = {
  logins: attackLogins,
  messages: attackMessages,
  guesses: attackGuesses,
  sieve: attackSieve,
  silent: attackSilent,
};

/** enough that no burst has two of one address, and few enough that they are banned */
const ADDRESSES = 120;
const GRACE_MS = 10_000;

async function main(seed: number): Promise<void> {
  const random = createRandom(seed);
  const counts: Record<string, number> = {};
  const world: World = {
    random,
    addresses: attackAddresses(ADDRESSES, random),
    server: NETWORK.router.wan,
    connect: await startAgent('wan', 'attackers'),
    count: (what, times = 1) => {
      counts[what] = (counts[what] ?? 0) + times;
    },
  };
  let turns: StartedTurn[] = [];
  const pending: Promise<void>[] = [];
  const stop = () => {
    for (const turn of turns) turn.stop();
    turns = [];
  };
  for await (const line of createInterface({ input: process.stdin })) {
    stop();
    for (const name of JSON.parse(line) as AttackName[]) {
      const turn = startTurn();
      turns.push(turn);
      pending.push(ALL[name](world, turn));
    }
  }
  stop();
  // what has no answer by then gets none
  await Promise.race([Promise.all(pending), Bun.sleep(GRACE_MS)]);
  counts['addresses exchanged'] = world.addresses.exchanged();
  console.log(JSON.stringify(counts));
}

await main(Number(process.argv[2]));
process.exit(0);
