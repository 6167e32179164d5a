// What Postfix's log says about one message, from the queue id on. Pure.

export interface Delivery {
  /** As delivered, which for an alias is not what was written to. */
  readonly address: string;
  readonly outcome: 'delivered' | 'deferred' | 'bounced';
  /** The other server's words. */
  readonly words: string;
  /** Who said them; null when no server was reached. */
  readonly relay: string | null;
}

export interface MessageFate {
  readonly signed: boolean;
  /** The last word on each recipient. */
  readonly deliveries: readonly Delivery[];
  /** The message has left the queue: no more will be said. */
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

/** What is known after one more line of the log. */
export function learnFrom(fate: MessageFate, line: string, queueId: string): MessageFate {
  if (!line.includes(` ${queueId}: `)) return fate;
  if (line.endsWith(`${queueId}: removed`)) return { ...fate, finished: true };
  if (line.includes(`${queueId}: DKIM-Signature field added`)) return { ...fate, signed: true };
  const delivery = parseDelivery(line);
  if (delivery === null) return fate;
  const others = fate.deliveries.filter(({ address }) => address !== delivery.address);
  return { ...fate, deliveries: [...others, delivery] };
}

/** True when waiting longer tells no more: it is gone, or it will be tried again much later. */
export function isDecided({ deliveries, finished }: MessageFate): boolean {
  return finished || deliveries.some(({ outcome }) => outcome === 'deferred');
}
