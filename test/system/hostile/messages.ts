// Messages of any size that are far more expensive to filter than their size suggests, one generator for each kind.
// Each is complete, with CRLF, and within a generous reading of the limits of RFC 5321 and RFC 5322.

/** Makes a message of about `size` bytes; the header lines given come first. */
export type Generator = (size: number, header: readonly string[]) => string;

const CRLF = '\r\n';
const ATTACHED = `Content-Type: message/rfc822${CRLF}${CRLF}`;
const MIXED = 'Content-Type: multipart/mixed; boundary=b';
const HTML = 'Content-Type: text/html; charset=utf-8';

/** Joins `piece` of 0, 1, 2 … up to `size` bytes. */
function repeat(size: number, piece: (n: number) => string): string {
  const pieces: string[] = [];
  for (let length = 0, n = 0; length < size; n += 1) {
    const text = piece(n);
    pieces.push(text);
    length += text.length;
  }
  return pieces.join('');
}

const lines = (...all: readonly string[]) => all.map((line) => line + CRLF).join('');

const base64 = (text: string | Uint8Array) =>
  Buffer.from(text as string, 'latin1')
    .toString('base64')
    .replace(/.{76}/g, `$&${CRLF}`) + CRLF;

const body = (text: (size: number) => string, ...more: string[]): Generator => {
  return (size, header) => lines(...header, ...more, '') + text(size);
};

const head = (text: (size: number) => string): Generator => {
  return (size, header) => lines(...header) + text(size) + lines('', 'Hello.');
};

const part = (type: readonly string[], text: string) =>
  lines('--b', ...type, '') + text + lines('', '--b--');

/** Nested attached messages; the first has its own header, which ends the outer encoding. */
const hidden = (size: number) =>
  base64(`Content-Transfer-Encoding: 7bit${CRLF}${repeat(size * 0.73, () => ATTACHED)}`);

/** A ZIP archive of empty files: a scanner reads the directory at its end. */
function zip(size: number): Uint8Array {
  const entries = Math.min(65_535, Math.floor((size * 0.73) / 54));
  const directory = Buffer.concat(
    Array.from({ length: entries }, (_, n) => {
      const name = Buffer.from(`${n}`.padStart(8, '0'));
      const entry = Buffer.alloc(46);
      entry.writeUInt32LE(0x02014b50, 0);
      entry.writeUInt16LE(name.length, 28);
      return Buffer.concat([entry, name]);
    }),
  );
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries, 8);
  end.writeUInt16LE(entries, 10);
  end.writeUInt32LE(directory.length, 12);
  return Buffer.concat([directory, end]);
}

const SIGNATURE = 'bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA';

/** Generators by the excessive element. */
export const HOSTILE: Readonly<Record<string, Generator>> = {
  'attached messages': head((size) => repeat(size, () => ATTACHED)),
  'attached messages, folded': head((size) =>
    repeat(size, () => `content-type:${CRLF} message/rfc822${CRLF}${CRLF}`),
  ),
  'attached messages of another type': head((size) =>
    repeat(size, () => `Content-Type: message/x${CRLF}${CRLF}`),
  ),
  'attached messages in base64': body(
    (size) =>
      part(['Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64'], hidden(size)),
    MIXED,
  ),
  'attached messages in inherited base64': body(
    (size) => part(['Content-Type: message/rfc822'], hidden(size)),
    MIXED,
    'Content-Transfer-Encoding: base64',
  ),
  'attached messages in quoted-printable': body(
    (size) =>
      part(
        ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: quoted-printable'],
        lines('Content-Transfer-Encoding: 7bit') +
          repeat(size, () => ATTACHED.replace('C', '=43').replace('m', '=6D')),
      ),
    MIXED,
  ),
  'attached messages between bare CR': head((size) =>
    repeat(size, () => ATTACHED.replaceAll(CRLF, '\r')),
  ),
  'attached messages around text': head(
    (size) => ATTACHED.repeat(45) + repeat(size, (n) => lines('', `line ${n}`)),
  ),
  'empty parts': body((size) => repeat(size, () => lines('--b', '', 'x')), MIXED),
  'parts with links': body(
    (size) => repeat(size, (n) => lines('--b', HTML, '', `<a href=http://a${n}.test/>x</a>`)),
    MIXED,
  ),
  'parts, as many as allowed': body(
    (size) =>
      repeat(size, (n) => (n < 950 ? lines('--b', HTML, '', '<b>x</b>') : lines('', 'Hello.'))),
    MIXED,
  ),
  'parts of a multipart without a boundary': body(
    (size) => repeat(size, () => lines('--q', '', 'x')),
    'Content-Type: multipart/mixed',
  ),
  'multiparts side by side': body(
    (size) =>
      repeat(size, (n) => lines('--b', `${MIXED}${n}`, '', `--b${n}`, '', 'x', `--b${n}--`)),
    MIXED,
  ),
  'multiparts inside one another': body(
    (size) => `--b${CRLF}${repeat(size, (n) => lines(`${MIXED}${n}`, '', `--b${n}`))}`,
    MIXED,
  ),
  'lines like boundaries': body((size) => repeat(size, (n) => lines(`--x${n}`)), MIXED),
  'header lines': head((size) => repeat(size, (n) => lines(`X-${n}: v`))),
  'header lines of one name': head((size) => repeat(size, (n) => lines(`X: ${n}`))),
  'header lines of a part': body(
    (size) => part([repeat(size, (n) => lines(`X-${n}: v`)).trimEnd()], 'x'),
    MIXED,
  ),
  'header lines of an attached message': head(
    (size) => ATTACHED + repeat(size, (n) => lines(`X-${n}: v`)),
  ),
  'addresses in one header': head(
    (size) => `Cc: ${repeat(size, (n) => `"a b" <u${n}@e${n}.test>,${CRLF} `)}z@z.test${CRLF}`,
  ),
  'address headers': head((size) => repeat(size, (n) => lines(`Cc: u${n}@e.test`))),
  'comments in one header': head((size) => `Cc: ${'('.repeat(size)}${CRLF}`),
  'encoded words': head((size) => `X-Name:${repeat(size, () => lines(' =?utf-8?B?w6Q=?='))}`),
  references: head((size) => `References:${repeat(size, (n) => lines(` <${n}@e.test>`))}`),
  'type parameters': head(
    (size) => `Content-Type: text/plain${repeat(size, (n) => `;${CRLF} a${n}=b`)}${CRLF}`,
  ),
  signatures: head((size) =>
    repeat(size, (n) =>
      lines(`DKIM-Signature: v=1; a=rsa-sha256; d=outside.test; s=s${n}; h=from; ${SIGNATURE}`),
    ),
  ),
  seals: head((size) =>
    repeat(size, (n) =>
      lines(`ARC-Seal: i=${n}; a=rsa-sha256; cv=none; d=outside.test; s=s; b=AAAA`),
    ),
  ),
  words: body((size) => repeat(size, (n) => `${(n * 7919).toString(36)} word ${n}${CRLF}`)),
  'one line': body((size) => 'a'.repeat(size)),
  links: body((size) => repeat(size, (n) => lines(`http://u${n}.test/p?q=${n}`))),
  'addresses in the text': body((size) => repeat(size, () => 'a@b.c@d.e@f.g@h.test@')),
  'links in HTML': body((size) => repeat(size, (n) => `<a href="http://u${n}.test/">v</a>`), HTML),
  'HTML inside HTML': body((size) => repeat(size, () => '<div><b><i>'), HTML),
  'unmatched HTML': body(
    (size) => repeat(size / 2, () => '<div>') + repeat(size / 2, () => '</b>'),
    HTML,
  ),
  'HTML attributes': body((size) => `<p ${repeat(size, (n) => `a${n}="v" `)}>x</p>`, HTML),
  'HTML entities': body((size) => repeat(size, () => '&amp;#&xx;&#x '), HTML),
  'files in an archive': body(
    (size) =>
      part(
        ['Content-Type: application/zip; name=a.zip', 'Content-Transfer-Encoding: base64'],
        base64(zip(size)),
      ),
    MIXED,
  ),
  'objects in a PDF': body(
    (size) =>
      part(
        ['Content-Type: application/pdf; name=a.pdf', 'Content-Transfer-Encoding: base64'],
        base64(
          `%PDF-1.4\n${repeat(size * 0.73, (n) => `${n} 0 obj<</Type/Annot/URI(http://u${n}.test)>>endobj\n`)}`,
        ),
      ),
    MIXED,
  ),
};
