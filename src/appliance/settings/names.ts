// Kinds of values: names, paths, addresses. Accepted values are safe in configuration files, maps and paths.

import { MailctlError } from '../../errors.ts';
import { parseIp } from '../../host/ip.ts';
import { parseDomain, parseTarget } from '../address.ts';
import type { Kind } from './option.ts';

/** In A-labels, lower case. */
export function domain(): Kind<string> {
  return {
    expected: 'a mail domain (such as example.com)',
    parse: (text) => valid(() => parseDomain(text)),
  };
}

/** One label, or a fully qualified name; in A-labels, lower case. */
export function hostname(): Kind<string> {
  const anyDomain = '.example';
  return {
    expected: 'a host name (such as mail, or mail.example.com)',
    parse: (text) =>
      text.includes('.')
        ? valid(() => parseDomain(text))
        : valid(() => parseDomain(text + anyDomain))?.slice(0, -anyDomain.length),
  };
}

// Stricter than the targets of an alias: this address is written into configuration files
const RECIPIENT = /^[a-z0-9._=+-]+(?:@|$)/i;

/** A local part, or a complete address of any domain; lower case. */
export function recipient(): Kind<string> {
  const anyDomain = '@example.com';
  return {
    expected: 'a mail address, or its local part',
    parse: (text) => {
      if (!RECIPIENT.test(text)) {
        return undefined;
      }
      return text.includes('@')
        ? valid(() => parseTarget(text))
        : valid(() => parseTarget(text + anyDomain))?.slice(0, -anyDomain.length);
    },
  };
}

/** undefined where `parse` throws a MailctlError. */
export function valid(parse: () => string): string | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof MailctlError) {
      return undefined;
    }
    throw error;
  }
}

const PATH = /^(?:\/[A-Za-z0-9._+-]+)+\/?$/;
const MAX_PATH = 200;

/** Absolute, without a trailing `/`. */
export function path(): Kind<string> {
  return {
    expected: `an absolute path (letters, digits and . _ + - only, at most ${MAX_PATH} characters)`,
    parse: parsePath,
  };
}

function parsePath(text: string): string | undefined {
  const isPlain = PATH.test(text) && text.length <= MAX_PATH;
  return isPlain && !/\/\.\.?(?:\/|$)/.test(text) ? text.replace(/\/$/, '') : undefined;
}

const NOT_OURS =
  /^\/(?:bin|boot|dev|etc|home|lib\d*|mnt|opt|overlay|proc|rom|root|run|sbin|srv|sys|tmp|usr|var)$/;
const KERNEL = /^\/(?:dev|proc|sys)\//;

/** A folder for the mail server alone: no system folder, nothing below /dev, /proc, /sys. */
export function ownFolder(): Kind<string> {
  return {
    expected:
      'the absolute path of a folder for the mail server alone (letters, digits and . _ + -)',
    parse: (text) => {
      const folder = parsePath(text);
      const isTaken = folder === undefined || NOT_OURS.test(folder) || KERNEL.test(folder);
      return isTaken ? undefined : folder;
    },
  };
}

/** A file on this host, or a URL to download it from. */
export function fileOrUrl(): Kind<string> {
  return {
    expected: 'an absolute path or an https:// address',
    parse: (text) =>
      /^https?:\/\/[A-Za-z0-9.[\]:-]+\/[A-Za-z0-9._~:/?@!&()*+,;=%-]*$/.test(text)
        ? text
        : parsePath(text),
  };
}

/** Valid for LXC and for the interfaces that are named after the container. */
export function containerName(): Kind<string> {
  return {
    expected: 'a container name (1–63 letters, digits and . _ -, a letter or digit first)',
    parse: (text) => (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text) ? text : undefined),
  };
}

/** At most 15 characters: IFNAMSIZ. */
export function interfaceName(): Kind<string> {
  return {
    expected: 'an interface name (1–15 letters, digits and . _ -, a letter or digit first)',
    parse: (text) => (/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/.test(text) ? text : undefined),
  };
}

/** As `secubox-p2p peers` prints them: sb-<mac> or peer-<hash>. */
const PEER_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
const BUCKET = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:\/[A-Za-z0-9._-]+)*$/;

/** A box, a folder or a bucket that keeps backups. */
export function peer(): Kind<string> {
  return {
    expected: 'a peer (a peer id, file:///folder or s3://bucket/prefix)',
    parse: (text) => {
      if (PEER_ID.test(text) || BUCKET.test(text)) return text;
      const folder = text.startsWith('file://') ? parsePath(text.slice(7)) : undefined;
      return folder === undefined ? undefined : `file://${folder}`;
    },
  };
}

export function loginName(): Kind<string> {
  return {
    expected: 'a login name (1–128 printable ASCII characters without blanks and :)',
    parse: (text) => (/^[!-9;-~]{1,128}$/.test(text) ? text : undefined),
  };
}

/** A nexthop as Postfix writes it: `host` (its MX is looked up) or `[host]`, with or without `:port`. */
export function nexthop(): Kind<string> {
  return {
    expected: 'a mail host (such as [smtp.example.net]:587; brackets mean: do not look up its MX)',
    parse: (text) => {
      const [, bracketed, bare, port = '25'] = NEXTHOP.exec(text) ?? [];
      const host = bracketed ?? bare;
      const isPort = Number(port) >= 1 && Number(port) <= 65535;
      return host !== undefined && isPort && isHost(host, bare === undefined) ? text : undefined;
    },
  };
}

/** Parses a value that `nexthop` accepted. The host has no brackets and no `ipv6:`. */
export function parseNexthop(text: string): { host: string; port: number } {
  const [, bracketed, bare = '', port = '25'] = NEXTHOP.exec(text) ?? [];
  return { host: (bracketed ?? bare).replace(/^ipv6:/i, ''), port: Number(port) };
}

const NEXTHOP = /^(?:\[([^\]]+)\]|([^[\]:]+))(?::([1-9]\d{0,4}))?$/;

function isHost(text: string, mayBeIp: boolean): boolean {
  const isIp = parseIp(text.replace(/^ipv6:/i, '')) !== undefined;
  return isIp ? mayBeIp : valid(() => parseDomain(text)) !== undefined;
}
