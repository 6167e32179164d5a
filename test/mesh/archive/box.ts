// A box for tests: a mail folder with Maildirs, backups of it, and restores that are compared with the folder.

import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { createHost, type Host } from '../../../src/host/host.ts';
import { type BackupOptions, type BackupReport, backup } from '../../../src/mesh/archive/backup.ts';
import { openListing } from '../../../src/mesh/archive/listing.ts';
import { archivesOf, type Manifest, parseManifest } from '../../../src/mesh/archive/manifest.ts';
import { restoreTree } from '../../../src/mesh/archive/restore.ts';
import type { Source } from '../../../src/mesh/source.ts';

/** A time before every test: files of this age are settled. */
export const PAST = new Date('2026-01-02T03:04:05Z');

const BOX = 'box-of-the-tests';
const sign = (bytes: Uint8Array) => createHash('sha256').update(bytes).update(BOX).digest('hex');
export const signer = { box: BOX, sign };
export const verify = (box: string, bytes: Uint8Array, signature: string) =>
  box === BOX && sign(bytes) === signature;

/** Keys are slow to make, and every test may use the same one. */
export const identity = await generateX25519Identity();
export const recipient = await identityToRecipient(identity);

export type Tree = Record<string, string>;

/** Every entry below a folder: kind, mode, time and content. */
export function treeOf(folder: string): Tree {
  const found: Tree = {};
  const visit = (path: string) => {
    const stat = lstatSync(join(folder, path));
    const owner = `${stat.uid}:${stat.gid}`;
    if (stat.isSymbolicLink()) found[path] = `link ${owner} ${readlinkSync(join(folder, path))}`;
    else if (stat.isDirectory()) {
      found[path] = `folder ${owner} ${(stat.mode & 0o7777).toString(8)}`;
      for (const name of readdirSync(join(folder, path))) visit(join(path, name));
    } else if (stat.isFile()) {
      const digest = createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex');
      const time = Math.floor(stat.mtimeMs / 1000);
      found[path] = `file ${owner} ${(stat.mode & 0o7777).toString(8)} ${time} ${digest}`;
    }
  };
  for (const name of readdirSync(folder)) visit(name);
  return found;
}

export interface Box {
  readonly base: string;
  readonly mail: string;
  readonly folder: string;
  readonly outbox: string;
  readonly host: Host;
  readonly options: BackupOptions;
  /** What mailctl said. */
  readonly said: string[];
  /** Makes an empty Maildir below the mail folder. */
  maildir(path: string): string;
  /** Delivers to `new`; returns the name. */
  deliver(maildir: string, content: string | Uint8Array): string;
  /** Moves a message to `cur` with these flags; returns its path below the Maildir. */
  flag(maildir: string, path: string, flags: string): string;
  backup(change?: Partial<BackupOptions>): Promise<BackupReport>;
  manifest(sequence: number): Manifest;
  /** Restores into a new folder and returns it. */
  restore(manifest: Manifest, select?: (path: string) => boolean): Promise<string>;
  remove(): void;
}

let delivered = 0;

export function createBox(change: { sources?: Source[]; host?: (host: Host) => Host } = {}): Box {
  const base = mkdtempSync(join(tmpdir(), 'mailctl-mesh-'));
  const mail = join(base, 'mail');
  mkdirSync(mail, { mode: 0o700 });
  const said: string[] = [];
  const real = createHost({ root: '/', env: process.env, say: (text) => void said.push(text) });
  const host = change.host?.(real) ?? real;
  const folder = join(base, 'mesh');
  const outbox = join(folder, 'outbox');
  const leaveOut = (parts: readonly string[]) => parts.at(-1)?.startsWith('dovecot.index') ?? false;
  const sources = change.sources ?? [
    { name: 'mail', path: mail, kind: 'maildir', required: true, leaveOut },
  ];
  const options = { folder, sources, recipients: [recipient], signer };
  let restores = 0;
  return {
    ...{ base, mail, folder, outbox, host, options, said },
    maildir: (path) => {
      for (const part of ['cur', 'new', 'tmp'])
        mkdirSync(join(mail, path, part), { recursive: true });
      return join(mail, path);
    },
    deliver: (maildir, content) => {
      delivered += 1;
      const name = `17000000${delivered}.M${delivered}P1.mail,S=${content.length}`;
      writeFileSync(join(maildir, 'tmp', name), content, { mode: 0o600 });
      renameSync(join(maildir, 'tmp', name), join(maildir, 'new', name));
      return `new/${name}`;
    },
    flag: (maildir, path, flags) => {
      const base = path.slice(4).replace(/:.*/s, '');
      const to = `cur/${base}:2,${flags}`;
      renameSync(join(maildir, path), join(maildir, to));
      return to;
    },
    backup: (changed = {}) => backup(host, { ...options, ...changed }),
    manifest: (sequence) => {
      const name = `${sequence}.manifest.json`;
      return parseManifest(name, readFileSync(join(outbox, name), 'utf8'), verify).manifest;
    },
    restore: async (manifest, select) => {
      restores += 1;
      const target = join(base, `restored${restores}`);
      const files = { manifest, folder: outbox, identities: [identity] };
      const listing = await openListing(host, files, `${target}.db`);
      try {
        await restoreTree(host, { ...files, listing, target, ...(select ? { select } : {}) });
      } finally {
        listing.index.close();
      }
      return target;
    },
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** Bytes of the archives that a backup has made. */
export const sizeOf = (manifest: Manifest): number =>
  manifest.archives.reduce((sum, { size }) => sum + size, 0);

export { archivesOf };
