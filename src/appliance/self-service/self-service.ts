// The side of `mailctl serve` at the socket of `mailctl web`: answers the requests of the closed list, and nothing else.
// An answer never contains a password, a hash, or the text of an error.

import { safeParse } from 'valibot';
import { MailctlError } from '../../errors.ts';
import { REQUEST, type Reply } from '../../front/requests.ts';
import { createTurns } from '../../front/turns.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { answerTo } from './answers.ts';
import { type Desk, refuse } from './desk.ts';
import { openSessions } from './sessions.ts';
import { createThrottle, type Throttle } from './throttle.ts';

/** More failures for one account than for one client: a stranger should not lock its owner out easily. */
const ACCOUNT_FACTOR = 4;
const HASHES = { atOnce: 1, waiting: 16 };
/** Milliseconds in which requests outside of the list are logged once. */
const STRAY_MS = 60_000;

export interface SelfService {
  /** Never throws. @param line one request; returns one line */
  answer(line: string): Promise<string>;
}

interface Serving {
  /** The appliance as the UCI file describes it now. */
  target(): Appliance;
  log(text: string): void;
}

function createLimits({ settings }: Appliance): Desk['throttle'] {
  const { maxRetry, findTime, banTime } = settings.fail2ban;
  const within = findTime * 1000;
  const rule = { failures: maxRetry, within, refuse: banTime * 1000 };
  const wide = { failures: maxRetry * ACCOUNT_FACTOR, within, refuse: within };
  const client: Throttle = createThrottle(rule);
  return { client, account: createThrottle(wide) };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

export async function createSelfService(
  host: Host,
  { target, log }: Serving,
): Promise<SelfService> {
  const sessions = await openSessions(host, target().paths);
  const fixed = {
    host,
    log,
    sessions,
    throttle: createLimits(target()),
    turns: createTurns(HASHES),
  };
  let strayAt = 0;
  const reply = async (line: string): Promise<Reply> => {
    const { success, output } = safeParse(REQUEST, parseLine(line));
    if (success) return answerTo({ ...fixed, target: target() }, output);
    const now = host.clock.now().getTime();
    if (Math.abs(now - strayAt) >= STRAY_MS) {
      strayAt = now;
      log('mailctl web has asked for what is not on its list, and was refused');
    }
    return refuse('malformed');
  };
  return {
    answer: async (line) => {
      try {
        return JSON.stringify(await reply(line));
      } catch (error) {
        // a fault of one request must not end serve
        const reason = error instanceof MailctlError ? error.message : `internal error: ${error}`;
        log(`a request of mailctl web failed: ${reason}`);
        return JSON.stringify(refuse('failed'));
      }
    },
  };
}
