// Kinds of values that only the section `dns` has.

import { parseIp } from '../../host/ip.ts';
import type { Kind } from './option.ts';

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';

/** Any DNS name, lower case, without the final dot. */
export function dnsName(): Kind<string> {
  const form = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
  return {
    expected: 'a DNS name (such as mail-key, or key.example.com)',
    parse: (text) => {
      const name = text.toLowerCase().replace(/\.$/, '');
      return form.test(name) && name.length <= 253 ? name : undefined;
    },
  };
}

/** One label, lower case. */
export function hostLabel(): Kind<string> {
  return {
    expected: 'a DNS label (1–63 letters, digits and inner hyphens)',
    parse: (text) =>
      /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(text) ? text.toLowerCase() : undefined,
  };
}

export function tsigSecret(): Kind<string> {
  return {
    expected: 'a TSIG key in Base64',
    isSecret: true,
    parse: (text) =>
      /^(?:[A-Za-z0-9+/]{4}){2,128}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
        ? text
        : undefined,
  };
}

/** `{hostname}` and `{domain}` are replaced by main.hostname and the mail domain. */
export function spfRecord(): Kind<string> {
  return {
    expected: "an SPF record ('v=spf1 …', printable ASCII, at most 450 characters)",
    parse: (text) => (/^v=spf1(?: [!-~]+)*$/i.test(text) && text.length <= 450 ? text : undefined),
  };
}

/** Address of a server; loopback is allowed, for a server on this host. */
export function serverAddress(): Kind<string> {
  return {
    expected: 'an IP address (such as 192.0.2.53, or 127.0.0.1)',
    parse: (text) => (parseIp(text) === undefined ? undefined : text),
  };
}
