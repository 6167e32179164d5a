// The recovery key on paper and on a terminal. Pure.

import { renderSVG, renderUnicodeCompact } from 'uqr';
import { formatRecoveryKey } from './recovery-key.ts';

/** For a terminal; a camera reads it on light and dark backgrounds. */
export const qrLines = (identity: string): string[] =>
  renderUnicodeCompact(identity, { border: 2 }).split('\n');

export interface Sheet {
  readonly identity: string;
  /** Name of the mail server. */
  readonly hostname: string;
  readonly peerId: string;
  /** Where its backups are, as `mesh restore --from` takes it. */
  readonly peers: readonly string[];
  readonly date: Date;
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** A page of HTML without anything from elsewhere, to be printed and then deleted. */
export function formatSheet({ identity, hostname, peerId, peers, date }: Sheet): string {
  const from = peers.length > 0 ? peers : ['PEER'];
  const rows = from.map(
    (peer) => `<li><code>mailctl mesh restore --from ${escapeHtml(peer)}</code></li>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Recovery key of ${escapeHtml(hostname)}</title>
<style>body{font:12pt/1.5 sans-serif;max-width:18cm;margin:1cm auto}svg{width:6cm}code{font-size:11pt;word-break:break-all}</style>
</head><body>
<h1>Recovery key of ${escapeHtml(hostname)}</h1>
<p>Made on ${date.toISOString().slice(0, 10)}. Whoever has this key and a backup reads all mail. Without it nobody reads a
backup, and no one can make this key again. Keep this sheet where the router is not.</p>
<p><code>${escapeHtml(formatRecoveryKey(identity))}</code></p>
${renderSVG(identity, { border: 2 })}
<h2>When the router is lost</h2>
<ol><li>Install <code>mailctl</code> on another router or a Debian machine.</li>
<li>As root, with one of these, type the key when it is asked for:<ul>${rows.join('')}</ul></li></ol>
<p>Or by hand, with <code>age</code>, <code>zstd</code> and <code>tar</code>, on any machine that has the archives.</p>
<p>This box is the peer <code>${escapeHtml(peerId)}</code>.</p>
</body></html>
`;
}
