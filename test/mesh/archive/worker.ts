// A process that backs up or restores until it is killed, or once. Usage: worker.ts backup|restore JSON

import { writeSync } from 'node:fs';
import { createHost } from '../../../src/host/host.ts';
import { backup } from '../../../src/mesh/archive/backup.ts';
import { openListing } from '../../../src/mesh/archive/listing.ts';
import { parseManifest } from '../../../src/mesh/archive/manifest.ts';
import { restoreTree } from '../../../src/mesh/archive/restore.ts';
import { signer, verify } from './box.ts';

interface Order {
  readonly folder: string;
  readonly mail: string;
  readonly recipient: string;
  readonly identity: string;
  readonly sequence: number;
  readonly target: string;
}

const [, , verb, text = '{}'] = process.argv;
const order = JSON.parse(text) as Order;
const host = createHost({ root: '/', env: process.env, say: () => undefined });
const { folder, mail, recipient, identity, sequence, target } = order;

async function restore(): Promise<void> {
  const name = `${sequence}.manifest.json`;
  const manifestText = (await host.files.read(`${folder}/outbox/${name}`)) ?? '';
  const { manifest } = parseManifest(name, manifestText, verify);
  const files = { manifest, folder: `${folder}/outbox`, identities: [identity] };
  const listing = await openListing(host, files, `${target}.db`);
  await restoreTree(host, { ...files, listing, target });
}

async function backUp(): Promise<void> {
  const source = { name: 'mail', path: mail, kind: 'maildir', required: true } as const;
  const sources = [{ ...source, leaveOut: () => false }];
  await backup(host, { folder, sources, recipients: [recipient], signer });
}

writeSync(1, 'ready\n');
await (verb === 'restore' ? restore() : backUp());
