// What a peer's refusal means for the operator. The peer's own words are not shown: it may be hostile.

import { MailctlError } from '../../errors.ts';
import type { PeerAnswer } from '../../host/peer-client.ts';

const SENTENCES: Readonly<Record<string, readonly [why: string, hint?: string]>> = {
  unknown: [
    'does not know this box',
    'mailctl mesh id   (here), then there: mailctl mesh add-peer <this id>',
  ],
  quota: ['has no room left in the quota of this box', 'ask its operator for a larger quota'],
  space: ['has not enough space on its disk'],
  exists: ['holds another file under this name already, and replaces none'],
  protected: ['keeps this file until its protected window is over'],
  clock: ['has a clock that is not set, and takes nothing until it is'],
  busy: ['is busy with other connections of this box'],
  digest: ['received other bytes than were sent'],
  offset: ['has lost a part of an interrupted transfer'],
  missing: ['does not hold this file'],
  'read-only': ['lets the holder of this key only read'],
};

/** Refusals that may be over at the next attempt. */
const TEMPORARY = ['busy', 'clock', 'offset'];

export function refusalOf({ data }: PeerAnswer): string | null {
  if (typeof data !== 'object' || data === null || !('error' in data)) return null;
  return typeof data.error === 'string' ? data.error : null;
}

/** @param about what was asked for, such as a file's name */
export function refusalError(label: string, about: string, answer: PeerAnswer): MailctlError {
  const word = refusalOf(answer) ?? '';
  const [why, hint] = SENTENCES[word] ?? [
    `gave an answer that is not understood (${answer.status})`,
  ];
  const code = TEMPORARY.includes(word) ? 'PEER_AWAY' : 'PEER_REFUSED';
  return new MailctlError(code, `${about}: ${label} ${why}`, hint === undefined ? {} : { hint });
}

export function tooLarge(label: string, name: string, limit: number): MailctlError {
  const message = `${name}: ${label} offers more than the ${limit} bytes that it may have`;
  return new MailctlError('PEER_REFUSED', message);
}
