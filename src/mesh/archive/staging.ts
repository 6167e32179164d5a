// The mesh's folder of this box: the index of the last backup, and the outbox with archives and manifests. The commit of
// the index is that of the backup; a manifest that a kill kept from being written is written by the next run.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { type Index, openIndex } from './index-file.ts';
import {
  ARCHIVE_NAME,
  digestOfManifest,
  MANIFEST_NAME,
  manifestName,
  readOwnManifest,
} from './manifest.ts';

/** The last backup of this box. */
export interface Head {
  readonly sequence: number;
  /** Of its manifest. */
  readonly digest: string;
}

interface Commit extends Head {
  /** Of the manifest. */
  readonly text: string;
}

export interface Staging {
  readonly outbox: string;
  /** Inside a transaction until `commit`, `keep` or `undo`. */
  readonly index: Index;
  readonly head: Head | null;
  /** The manifest of the backup that the index describes; null when the index is empty. */
  readonly last: string | null;
  commit(commit: Commit): Promise<void>;
  /** Keeps what was learned, without a new backup. */
  keep(): void;
  undo(): void;
  close(): void;
}

const HEAD = 'head';

/** An index that cannot be read is set aside; the next backup is complete then. */
async function openOrReplace(host: Host, path: string): Promise<Index> {
  try {
    return openIndex(host, path);
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'ARCHIVE_INVALID') throw error;
    return replaceIndex(host, path);
  }
}

async function replaceIndex(host: Host, path: string): Promise<Index> {
  const time = host.clock.now().toISOString().replace(/[:.]/g, '-');
  host.say(`the index of the last backup is of no use: the next backup stores everything again`);
  await host.files.rename(path, `${path}.damaged-${time}`);
  await host.files.remove(`${path}-journal`);
  return openIndex(host, path);
}

async function newestManifest(host: Host, outbox: string): Promise<Head | null> {
  const sequences = (await host.files.list(outbox)).flatMap((name) => {
    const [, sequence] = MANIFEST_NAME.exec(name) ?? [];
    return sequence === undefined ? [] : [Number(sequence)];
  });
  if (sequences.length === 0) return null;
  const sequence = Math.max(...sequences);
  const text = await host.files.read(`${outbox}/${manifestName(sequence)}`);
  return { sequence, digest: digestOfManifest(text ?? '') };
}

function readHead(index: Index): Commit | null {
  const text = index.meta(HEAD);
  return text === null ? null : (JSON.parse(text) as Commit);
}

const writeManifest = (host: Host, outbox: string, { sequence, text }: Commit): Promise<void> =>
  host.files.replace(`${outbox}/${manifestName(sequence)}`, text, { mode: 0o600 });

/** Removes archives of a backup that was not finished. */
async function removeUnfinished(host: Host, outbox: string, head: Head | null): Promise<void> {
  for (const name of await host.files.list(outbox)) {
    const [, sequence] = ARCHIVE_NAME.exec(name) ?? [];
    if (sequence !== undefined && Number(sequence) > (head?.sequence ?? 0))
      await host.files.remove(`${outbox}/${name}`);
  }
}

/** The index and the last backup, where they belong together; else an empty index. */
async function match(host: Host, path: string, outbox: string) {
  const index = await openOrReplace(host, path);
  const known = readHead(index);
  const newest = await newestManifest(host, outbox);
  if (known === null && newest === null) return { index, head: null, last: null };
  if (known !== null && known.sequence >= (newest?.sequence ?? 0)) {
    // killed between the commit and the manifest, or the manifest was changed
    if (newest?.digest !== known.digest) await writeManifest(host, outbox, known);
    return { index, head: known, last: known.text };
  }
  // an index older than the last backup, or none
  index.close();
  return { index: await replaceIndex(host, path), head: newest, last: null };
}

/** The folder itself keeps its mode: the user of the listener may pass through it. */
async function makeFolders(host: Host, folder: string): Promise<void> {
  if ((await host.files.stat(folder)) === null)
    await host.files.makeDirectory(folder, { mode: 0o700 });
  await host.files.makeDirectory(`${folder}/outbox`, { mode: 0o700 });
}

/** Opens the folder, and finishes or removes what a killed run has left. The caller holds the lock. */
export async function openStaging(host: Host, folder: string): Promise<Staging> {
  const outbox = `${folder}/outbox`;
  await makeFolders(host, folder);
  const { index, head, last } = await match(host, `${folder}/index.db`, outbox);
  await removeUnfinished(host, outbox, head);
  index.sql.begin();
  return {
    ...{ outbox, index, head, last },
    commit: async (commit) => {
      index.setMeta(HEAD, JSON.stringify(commit));
      index.sql.commit();
      await writeManifest(host, outbox, commit);
    },
    keep: () => index.sql.commit(),
    undo: () => index.sql.rollback(),
    close: () => index.close(),
  };
}

/**
 * Makes the listing of a restored backup the index of this box, so that its next backup continues the chain. Closes the
 * listing. The caller holds no other index of the folder.
 */
export async function continueFrom(
  host: Host,
  folder: string,
  { index, path, text }: { index: Index; path: string; text: string },
): Promise<void> {
  const { sequence } = readOwnManifest(text);
  const head: Commit = { sequence, digest: digestOfManifest(text), text };
  index.setMeta(HEAD, JSON.stringify(head));
  index.close();
  const outbox = `${folder}/outbox`;
  await makeFolders(host, folder);
  await writeManifest(host, outbox, head);
  await host.files.rename(path, `${folder}/index.db`);
}
