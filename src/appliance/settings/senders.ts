// The kind of value of spam.allow and spam.deny: a sender address, a domain with its subdomains, or a network.

import { networkOf } from '../../host/ip.ts';
import { parseDomain, parseTarget } from '../address.ts';
import { valid } from './names.ts';
import type { Kind } from './option.ts';

export interface ListedSender {
  readonly kind: 'address' | 'domain' | 'network';
  /** Lower case, domains in A-labels, a network without host bits. */
  readonly text: string;
}

/** Postfix's inline tables end a key at `=`. */
function parseSender(text: string): string | undefined {
  return text.includes('=') ? undefined : valid(() => parseTarget(text));
}

export function senderOrNetwork(): Kind<ListedSender> {
  return {
    expected:
      'a mail address without =, a domain (with its subdomains), or an IP address or network (such as 192.0.2.0/24)',
    parse: (text) => {
      const network = networkOf(text);
      if (network !== undefined) return { kind: 'network', text: network };
      const kind = text.includes('@') ? 'address' : 'domain';
      const sender = kind === 'address' ? parseSender(text) : valid(() => parseDomain(text));
      return sender === undefined ? undefined : { kind, text: sender };
    },
  };
}

/** The texts of the entries of these kinds. */
export function textsOf(
  list: readonly ListedSender[],
  ...kinds: readonly ListedSender['kind'][]
): string[] {
  return list.filter(({ kind }) => kinds.includes(kind)).map(({ text }) => text);
}
