// What a mailbox may do with mail: send and receive, or only one of them.

import { MailctlError } from '../../errors.ts';
import { quoted } from '../address.ts';

const DIRECTIONS = ['both', 'send-only', 'receive-only'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Throws DIRECTION_INVALID. */
export function parseDirection(text: string): Direction {
  const found = DIRECTIONS.find((direction) => direction === text);
  if (found !== undefined) return found;
  const message = `${quoted(text)} is not a direction: expected ${DIRECTIONS.join(', ')}`;
  throw new MailctlError('DIRECTION_INVALID', message);
}
