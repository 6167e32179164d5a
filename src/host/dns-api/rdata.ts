// Converts record data between the form of this program (src/host/dns/message.ts) and zone file text, which the
// APIs of OVH and Gandi use; Cloudflare's fields are parts of it. Pure.

/** Strings of at most 255 bytes in quotes (RFC 1035 3.3.14). */
export function quoteTxt(value: string): string {
  const pieces = value.match(/[\s\S]{1,255}/g) ?? [''];
  return pieces.map((piece) => `"${piece.replace(/["\\]/g, '\\$&')}"`).join(' ');
}

function unescapeTxt(text: string): string {
  return text.replace(/\\(\d{3}|[\s\S])/g, (_, what: string) =>
    what.length === 3 ? String.fromCharCode(Number(what)) : what,
  );
}

/** The text of a TXT record, with or without quotes around its strings. */
export function unquoteTxt(text: string): string {
  if (!text.startsWith('"')) return text;
  const strings = [...text.matchAll(/"((?:[^"\\]|\\[\s\S])*)"/g)];
  return strings.map(([, inner = '']) => unescapeTxt(inner)).join('');
}

/** Absolute, lower case, with the final dot. @param origin the zone of a relative name */
export function absoluteName(name: string, origin: string): string {
  const lower = name.toLowerCase();
  if (lower === '@') return `${origin}.`;
  return lower.endsWith('.') ? lower : `${lower}.${origin}.`;
}

/** The zone file text of a value. */
export function formatRdata(type: string, value: string): string {
  return type === 'TXT' ? quoteTxt(value) : value;
}

/** The value of a zone file's text; text in an unknown form is kept. */
export function parseRdata(type: string, text: string, zone: string): string {
  if (type === 'TXT') return unquoteTxt(text);
  const words = text.trim().split(/\s+/);
  const last = words.at(-1) ?? '';
  switch (type) {
    case 'AAAA':
      return text.includes(':') ? new URL(`http://[${text.trim()}]`).hostname.slice(1, -1) : text;
    case 'CNAME':
    case 'MX':
    case 'SRV':
      return [...words.slice(0, -1), absoluteName(last, zone)].join(' ');
    case 'TLSA':
      return `${words.slice(0, 3).join(' ')} ${words.slice(3).join('').toLowerCase()}`;
    case 'CAA': {
      const [flags = '', tag = ''] = words;
      const rest = text.trim().slice(text.trim().indexOf(tag, flags.length) + tag.length);
      return `${flags} ${tag} "${unquoteTxt(rest.trim())}"`;
    }
    default:
      return text.trim();
  }
}
