// The delivery of one message, read from Postfix's log by queue id. Pure.

export interface Delivery {
  /** The final recipient, after alias expansion. */
  readonly address: string;
  readonly outcome: 'delivered' | 'deferred' | 'bounced';
  /** The reply of the receiving server. */
  readonly words: string;
  /** The server that replied; null if no server was reached. */
  readonly relay: string | null;
}

export interface MessageFate {
  readonly signed: boolean;
  /** The last log line for each recipient. */
  readonly deliveries: readonly Delivery[];
  /** The message has left the queue: no further log lines follow. */
  readonly finished: boolean;
}

export const UNKNOWN_FATE: MessageFate = { signed: false, deliveries: [], finished: false };

const DELIVERY = /: to=<([^>]*)>, (?:orig_to=<[^>]*>, )?relay=([^,]+), .*?\bstatus=(\w+) \((.*)\)$/;
const OUTCOMES: Readonly<Record<string, Delivery['outcome']>> = {
  sent: 'delivered',
  deferred: 'deferred',
  bounced: 'bounced',
  expired: 'bounced',
};

function parseDelivery(line: string): Delivery | null {
  const [, address = '', relay = '', status = '', words = ''] = DELIVERY.exec(line) ?? [];
  const outcome = OUTCOMES[status];
  if (outcome === undefined) return null;
  return { address, relay: relay === 'none' ? null : relay, outcome, words };
}

/** The state of the delivery after one more log line. */
export function learnFrom(fate: MessageFate, line: string, queueId: string): MessageFate {
  if (!line.includes(` ${queueId}: `)) return fate;
  if (line.endsWith(`${queueId}: removed`)) return { ...fate, finished: true };
  if (line.includes(`${queueId}: DKIM-Signature field added`)) return { ...fate, signed: true };
  const delivery = parseDelivery(line);
  if (delivery === null) return fate;
  const others = fate.deliveries.filter(({ address }) => address !== delivery.address);
  return { ...fate, deliveries: [...others, delivery] };
}

/** True if no change is expected soon: the message has left the queue or is deferred. */
export function isDecided({ deliveries, finished }: MessageFate): boolean {
  return finished || deliveries.some(({ outcome }) => outcome === 'deferred');
}
