// The manifest of a backup, in plain text: its place in the chain, and size and hash of each archive that a restore
// needs. It holds no file names: peers learn sizes and times alone. Its signature proves that this box wrote it.

import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { MailctlError } from '../../errors.ts';

/** An archive file, `<sequence>-<number>.tar.zst.age`. */
export interface ArchiveFile {
  readonly name: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  /** Bytes of the tar stream inside: a limit for decompression. */
  readonly unpacked: number;
}

export interface Manifest {
  readonly v: 1;
  /** The peer_id of the box that made it. */
  readonly box: string;
  /** 1 for the first backup of a box. */
  readonly sequence: number;
  /** Hex SHA-256 of the manifest file of the backup before; null for the first. */
  readonly parent: string | null;
  /** RFC 3339. */
  readonly time: string;
  /** Public halves of the recovery keys that open `archives`. */
  readonly recipients: readonly string[];
  /** Made by this backup. */
  readonly archives: readonly ArchiveFile[];
  /** Made by older backups, and still needed for a restore of this one. */
  readonly needs: readonly ArchiveFile[];
  /** Names among `archives` and `needs`, oldest first, that together hold the list of entries. */
  readonly lists: readonly string[];
  readonly counts: {
    readonly messages: number;
    readonly files: number;
    /** Content of all entries. */
    readonly bytes: number;
    /** Entries that were not saved; the reasons are in the encrypted list. */
    readonly left_out: number;
  };
}

/** The identity of this box, which signs its manifests. */
export interface Signer {
  readonly box: string;
  readonly sign: (bytes: Uint8Array) => string;
}

/** True when `box` made this signature. */
export type VerifySignature = (box: string, bytes: Uint8Array, signature: string) => boolean;

export interface ReadManifest {
  readonly manifest: Manifest;
  /** Hex SHA-256 of the file: the `parent` of the next one. */
  readonly digest: string;
}

export const MANIFEST_NAME = /^(\d{1,9})\.manifest\.json$/;
export const ARCHIVE_NAME = /^(\d{1,9})-(\d{1,6})\.tar\.zst\.age$/;

export const manifestName = (sequence: number): string => `${sequence}.manifest.json`;

export const archiveName = (sequence: number, number: number): string =>
  `${sequence}-${number}.tar.zst.age`;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const archiveFile = v.strictObject({
  name: v.pipe(v.string(), v.regex(ARCHIVE_NAME)),
  size: count,
  sha256,
  unpacked: count,
});

const schema = v.strictObject({
  v: v.literal(1),
  box: v.pipe(v.string(), v.maxLength(200)),
  sequence: v.pipe(count, v.minValue(1)),
  parent: v.nullable(sha256),
  time: v.pipe(v.string(), v.isoTimestamp()),
  recipients: v.array(v.pipe(v.string(), v.maxLength(2500))),
  archives: v.array(archiveFile),
  needs: v.array(archiveFile),
  lists: v.array(v.string()),
  counts: v.strictObject({ messages: count, files: count, bytes: count, left_out: count }),
});

const signedSchema = v.strictObject({ manifest: schema, signature: v.string() });

/** The manifest in a text that this box has written itself. */
export const readOwnManifest = (text: string): Manifest =>
  v.parse(signedSchema, JSON.parse(text)).manifest;

/** The bytes that are signed: the fields in the order of the schema. */
const signedBytes = (manifest: Manifest) =>
  new TextEncoder().encode(JSON.stringify(v.parse(schema, manifest)));

/** The text of the manifest file. */
export function formatManifest(manifest: Manifest, signer: Signer): string {
  return `${JSON.stringify({ manifest, signature: signer.sign(signedBytes(manifest)) })}\n`;
}

export function digestOfManifest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Every archive that a restore needs. */
export function archivesOf(manifest: Manifest): readonly ArchiveFile[] {
  return [...manifest.needs, ...manifest.archives];
}

function invalid(name: string, reason: string): MailctlError {
  return new MailctlError('ARCHIVE_INVALID', `the manifest ${name} ${reason}`, {
    hint: 'mailctl mesh archives',
  });
}

function checkWhole(name: string, manifest: Manifest): void {
  const names = archivesOf(manifest).map((archive) => archive.name);
  if (new Set(names).size !== names.length) throw invalid(name, 'names an archive twice');
  const unknown = manifest.lists.find((list) => !names.includes(list));
  if (unknown !== undefined || manifest.lists.length === 0)
    throw invalid(name, `has no archive with its list of entries${unknown ? ` (${unknown})` : ''}`);
  const foreign = manifest.archives.find(
    (archive) => Number(ARCHIVE_NAME.exec(archive.name)?.[1]) !== manifest.sequence,
  );
  if (foreign) throw invalid(name, `claims ${foreign.name}, an archive of another backup`);
}

/**
 * The manifest in the text of a file. Throws ARCHIVE_INVALID when it is damaged, has another name's sequence, or is
 * not signed by the box that it names.
 */
export function parseManifest(name: string, text: string, verify: VerifySignature): ReadManifest {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw invalid(name, 'is damaged: it is not JSON');
  }
  const parsed = v.safeParse(signedSchema, data);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw invalid(name, `is damaged at ${v.getDotPath(issue) ?? 'its start'}`);
  }
  const { manifest, signature } = parsed.output;
  if (name !== manifestName(manifest.sequence))
    throw invalid(name, `is the one of backup ${manifest.sequence}`);
  if (!verify(manifest.box, signedBytes(manifest), signature))
    throw invalid(name, `is not signed by ${manifest.box}`);
  checkWhole(name, manifest);
  return { manifest, digest: digestOfManifest(text) };
}

/**
 * What is wrong with a chain of manifests of one box: one of another box, two with one sequence, a parent that is not the
 * backup before. Gaps are normal, since old backups are removed. Pure.
 */
export function checkChain(manifests: readonly ReadManifest[]): string[] {
  const sorted = [...manifests].sort((a, b) => a.manifest.sequence - b.manifest.sequence);
  return sorted.flatMap(({ manifest, digest }, index) => {
    const before = sorted[index - 1];
    if (before === undefined) return [];
    const { sequence, parent, box } = manifest;
    if (box !== before.manifest.box)
      return [`backup ${sequence} is of ${box}, backup ${before.manifest.sequence} of another box`];
    if (sequence === before.manifest.sequence)
      return digest === before.digest ? [] : [`there are two different backups ${sequence}`];
    if (sequence === before.manifest.sequence + 1 && parent !== before.digest)
      return [
        `backup ${sequence} does not follow the backup ${before.manifest.sequence} that is there`,
      ];
    return [];
  });
}
