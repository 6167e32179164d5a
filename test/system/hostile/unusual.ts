// Legitimate messages that are larger or deeper than most; each must be accepted.

import type { Generator } from './messages.ts';

const CRLF = '\r\n';
const lines = (...all: readonly string[]) => all.map((line) => line + CRLF).join('');
const wrap = (text: string) => text.replace(/.{76}/g, `$&${CRLF}`) + CRLF;
const MIXED = 'Content-Type: multipart/mixed; boundary="outer"';
const ATTACHED = 'Content-Type: message/rfc822';
const BASE64 = 'Content-Transfer-Encoding: base64';

const inner = (n: number, text: string) =>
  lines(`From: sender${n}@outside.test`, `Subject: message ${n}`, 'MIME-Version: 1.0') + text;

const mixed = (header: readonly string[], parts: readonly string[]) =>
  lines(...header, MIXED, '') +
  parts.map((part) => `--outer${CRLF}${part}`).join('') +
  lines('--outer--');

function forwarded(depth: number): string {
  if (depth === 0) return inner(0, lines('Content-Type: text/plain', '', 'The first message.'));
  const boundary = `level${depth}`;
  const type = `Content-Type: multipart/mixed; boundary=${boundary}`;
  const note = lines(`--${boundary}`, 'Content-Type: text/plain', '', 'See below.');
  const attached = lines(`--${boundary}`, ATTACHED, '') + forwarded(depth - 1);
  return inner(depth, lines(type, '') + note + attached + lines(`--${boundary}--`));
}

/** Generators by the unusual property; `size` is the size of the growing part. */
export const UNUSUAL: Readonly<Record<string, Generator>> = {
  '40 attached messages': (size, header) =>
    mixed(
      header,
      Array.from({ length: 40 }, (_, n) => {
        const text =
          lines('Content-Type: text/plain', '') + 'a line of text\r\n'.repeat(size / 640);
        return lines(ATTACHED, '') + inner(n, text);
      }),
    ),
  'a message forwarded 15 times': (_, header) =>
    lines(...header) + forwarded(15).split(CRLF).slice(3).join(CRLF),
  'a large attached message in base64': (size, header) => {
    const text = inner(1, lines('', 'a line of text').repeat(size / 22));
    return mixed(header, [lines(ATTACHED, BASE64, '') + wrap(btoa(text))]);
  },
  'a large sealed message': (size, header) => {
    const sealed = Buffer.alloc(size * 0.7, 0x5a).toString('base64');
    const type = 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m';
    return lines(...header, type, BASE64, '') + wrap(sealed);
  },
  'a database dump beside other parts': (size, header) =>
    mixed(header, [
      lines('Content-Type: text/plain', '', 'The dump.'),
      lines('Content-Type: text/plain; name=dump.sql', '') +
        lines('-- a comment', 'INSERT INTO t VALUES (1);').repeat(Math.min(9000, size / 41)),
    ]),
  'a text full of messages': (size, header) =>
    lines(...header, 'Content-Type: text/plain', '') +
    lines('-- ', 'Content-Type: message/rfc822', '', 'text').repeat(size / 46),
  'a thousand recipients in To': (_, header) =>
    lines(
      ...header.filter((line) => !line.startsWith('To:')),
      `To: ${Array.from({ length: 1000 }, (_, n) => `Person ${n} <p${n}@outside.test>`).join(`,${CRLF} `)}`,
      '',
      'Hello.',
    ),
  '300 files': (size, header) =>
    mixed(
      header,
      Array.from({ length: 300 }, (_, n) => {
        const type = `Content-Type: application/octet-stream; name=file${n}.bin`;
        return lines(type, BASE64, '') + wrap(Buffer.alloc(size / 500, n).toString('base64'));
      }),
    ),
  'a wrong encoding around other parts': (_, header) =>
    lines(...header, BASE64, MIXED, '') +
    lines('--outer', 'Content-Type: text/plain', 'Content-Transfer-Encoding: 7bit', '', 'Hello.') +
    lines('--outer', ATTACHED, '') +
    inner(1, lines('', 'Hello again.')) +
    lines('--outer--'),
};
