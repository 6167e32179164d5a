// The list of entries inside an archive: JSON lines, each complete in itself, so that people can search it with jq. A list
// holds everything (`since` 0), or what has changed after an older backup. Pure.

import * as v from 'valibot';
import { MailctlError } from '../../errors.ts';
import { type EntryRow, type FolderRow, KIND, type Kind } from './index-file.ts';
import { messagePath, parseMessageName } from './names.ts';

/** Names have one character for each byte (Latin-1), as in the index. */
const attributes = { mode: v.number(), uid: v.number(), gid: v.number() };
const content = {
  size: v.number(),
  mtime: v.number(),
  ...attributes,
  sha256: v.string(),
  /** The archive that holds the content, and the number of the member in it. */
  in: v.string(),
  at: v.number(),
};

const schemas = {
  list: v.object({ list: v.literal(1), sequence: v.number(), since: v.number() }),
  folder: v.object({ folder: v.string(), ...attributes }),
  message: v.object({ message: v.string(), key: v.optional(v.string()), ...content }),
  file: v.object({ file: v.string(), ...content }),
  link: v.object({ link: v.string(), to: v.string(), ...content }),
  gone: v.object({ gone: v.string(), key: v.optional(v.string()) }),
  left_out: v.object({ left_out: v.string(), reason: v.string() }),
};

export interface ListHead {
  readonly sequence: number;
  readonly since: number;
}

export interface ListedEntry {
  /** Path of the folder. */
  readonly folder: string;
  readonly key: string;
  readonly place: string;
  readonly kind: Kind;
  readonly size: number;
  readonly mtime: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly digest: string;
  readonly target: string;
  /** Name of an archive. */
  readonly archive: string;
  readonly member: number;
}

export type ListLine =
  | { readonly is: 'head'; readonly head: ListHead }
  | { readonly is: 'folder'; readonly path: string; mode: number; uid: number; gid: number }
  | { readonly is: 'entry'; readonly entry: ListedEntry }
  /** Without a key: the folder itself. */
  | { readonly is: 'gone'; readonly folder: string; readonly key: string | null }
  | { readonly is: 'left out'; readonly path: string; readonly reason: string };

export const formatHead = ({ sequence, since }: ListHead): string =>
  JSON.stringify({ list: 1, sequence, since });

export function formatFolder({ path, mode, uid, gid, gone }: FolderRow): string {
  return JSON.stringify(gone ? { gone: path } : { folder: path, mode, uid, gid });
}

/**
 * @param folder its path
 * @param archive the name of the one that holds its content
 */
export function formatEntry(entry: EntryRow, folder: string, archive: string): string {
  const { key, place, kind, size, mtime, mode, uid, gid, digest, member } = entry;
  if (entry.gone) return JSON.stringify({ gone: folder, key });
  const path = `${folder}/${messagePath({ base: key, place })}`;
  const rest = { size, mtime, mode, uid, gid, sha256: digest, in: archive, at: member };
  if (kind === KIND.file) return JSON.stringify({ file: path, ...rest });
  if (kind === KIND.link) return JSON.stringify({ link: path, to: entry.target, ...rest });
  // one of two messages with the same base name
  const double = place === '' ? { key } : {};
  return JSON.stringify({ message: path, ...double, ...rest });
}

export const formatLeftOut = (path: string, reason: string): string =>
  JSON.stringify({ left_out: path, reason });

function splitPath(path: string): [folder: string, name: string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, Math.max(at, 0)), path.slice(at + 1)];
}

function splitMessage(path: string, key: string | undefined) {
  if (key !== undefined) return { folder: path.slice(0, -key.length - 1), key, place: '' };
  const [inner, name] = splitPath(path);
  const [folder, place] = splitPath(inner);
  const message = parseMessageName(place === 'new' ? 'new' : 'cur', name);
  return { folder, key: message.base, place: message.place };
}

type Content = v.InferOutput<typeof schemas.file>;

function entryOf(
  kind: Kind,
  place: { folder: string; key: string; place: string },
  { size, mtime, mode, uid, gid, sha256, in: archive, at }: Omit<Content, 'file'>,
  target = '',
): ListLine {
  const rest = { size, mtime, mode, uid, gid, digest: sha256, target, archive, member: at };
  return { is: 'entry', entry: { ...place, kind, ...rest } };
}

function parseFile(data: unknown): ListLine {
  const file = v.parse(schemas.file, data);
  const [folder, key] = splitPath(file.file);
  return entryOf(KIND.file, { folder, key, place: '' }, file);
}

function parseLink(data: unknown): ListLine {
  const link = v.parse(schemas.link, data);
  const [folder, key] = splitPath(link.link);
  return entryOf(KIND.link, { folder, key, place: '' }, link, link.to);
}

function parseMessage(data: unknown): ListLine {
  const message = v.parse(schemas.message, data);
  return entryOf(KIND.message, splitMessage(message.message, message.key), message);
}

const PARSERS: Readonly<Record<string, (data: unknown) => ListLine>> = {
  list: (data) => ({ is: 'head', head: v.parse(schemas.list, data) }),
  folder: (data) => {
    const { folder, mode, uid, gid } = v.parse(schemas.folder, data);
    return { is: 'folder', path: folder, mode, uid, gid };
  },
  message: parseMessage,
  file: parseFile,
  link: parseLink,
  gone: (data) => {
    const { gone, key } = v.parse(schemas.gone, data);
    return { is: 'gone', folder: gone, key: key ?? null };
  },
  left_out: (data) => {
    const { left_out, reason } = v.parse(schemas.left_out, data);
    return { is: 'left out', path: left_out, reason };
  },
};

/** Throws ARCHIVE_INVALID for a line that this program does not write. */
export function parseListLine(line: string): ListLine {
  try {
    const data: unknown = JSON.parse(line);
    const kind = Object.keys(data as object)[0] ?? '';
    const parse = PARSERS[kind];
    if (parse !== undefined) return parse(data);
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof v.ValiError)) throw error;
  }
  throw new MailctlError('ARCHIVE_INVALID', 'the list of entries in the archive is damaged');
}
