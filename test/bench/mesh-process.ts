// One backup or restore in a process of its own, as mailctl does it: the bench measures its time and memory.
// Usage: mesh-process.ts backup|restore FOLDER MAIL KEYS TARGET

import { readFileSync } from 'node:fs';
import { createHost } from '../../src/host/host.ts';
import { backup } from '../../src/mesh/archive/backup.ts';
import { openListing } from '../../src/mesh/archive/listing.ts';
import { parseManifest } from '../../src/mesh/archive/manifest.ts';
import { restoreTree } from '../../src/mesh/archive/restore.ts';

const [, , verb, folder = '', mail = '', keys = '', target = ''] = process.argv;
const host = createHost({ root: '/', env: process.env, say: () => undefined });
const { recipient, identity } = JSON.parse(readFileSync(keys, 'utf8')) as Record<string, string>;

async function backUp(): Promise<void> {
  const source = { name: 'mail', path: mail, kind: 'maildir', required: true } as const;
  const sources = [{ ...source, leaveOut: () => false }];
  const signer = { box: 'bench', sign: () => 'unsigned' };
  await backup(host, { folder, sources, recipients: [recipient ?? ''], signer });
}

async function restore(): Promise<void> {
  const outbox = `${folder}/outbox`;
  const names = (await host.files.list(outbox)).filter((name) => name.endsWith('.manifest.json'));
  const newest = names.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).at(-1) ?? '';
  const text = (await host.files.read(`${outbox}/${newest}`)) ?? '';
  const { manifest } = parseManifest(newest, text, () => true);
  const files = { manifest, folder: outbox, identities: [identity ?? ''] };
  const listing = await openListing(host, files, `${target}.db`);
  await restoreTree(host, { ...files, listing, target });
  listing.index.close();
}

await (verb === 'restore' ? restore() : backUp());
