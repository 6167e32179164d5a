// Carries out the requests of one peer in its folder. The limits are those of rules.ts; running uploads count with the
// bytes that they still expect, so that several at once cannot exceed the quota.

import { join } from 'node:path';
import { isPlausible } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import type { PeerReply, PeerRequest } from '../../host/peer-http.ts';
import { addRestoreKey, partName, readHolding } from './holdings.ts';
import {
  type MeshRequest,
  type Offer,
  parseRequest,
  parseRequestLine,
  readsJson,
} from './requests.ts';
import { type Grant, isProtected, planPartRemoval, refuseBytes, usedBytes } from './rules.ts';

/** A peer with its folder, as long as its connection is open. */
export interface Visit {
  readonly folder: string;
  readonly grant: Grant;
  /** What this box offers to its peers. */
  readonly offers: string;
  /**
   * `read`: a box that restores, which reads the files of the box that it was. `take`: the listener of a peer, which
   * fetches what this box offers.
   */
  readonly may: 'store' | 'read' | 'take';
  /** Of this peer: name of the file → bytes that its running upload still expects. */
  readonly uploads: Map<string, number>;
}

const MAX_JSON_BYTES = 256 * 1024;

const refuse = (status: number, error: string): PeerReply => ({ status, data: { error } });
const BAD = refuse(400, 'request');

async function readJsonBody({ length, body }: PeerRequest): Promise<string | null> {
  if (length === null || length > MAX_JSON_BYTES) return null;
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** The folder with its disk; `expected` is without the upload of `except`. */
async function look(host: Host, { folder, uploads }: Visit, except: string) {
  const content = await readHolding(host, folder);
  let expected = 0;
  for (const [name, bytes] of uploads) if (name !== except) expected += bytes;
  return { ...content, expected, disk: await host.files.space(folder) };
}

const DENIED = { quota: refuse(413, 'quota'), space: refuse(507, 'space') } as const;

/** Null when the upload may begin or go on; else the answer. */
async function judge(host: Host, visit: Visit, offer: Offer) {
  // the age of a file decides when it can be removed
  if (!isPlausible(host.clock.now())) return refuse(503, 'clock');
  const holding = await look(host, visit, offer.name);
  const present = holding.files.find(({ name }) => name === offer.name);
  if (present !== undefined) {
    const path = join(visit.folder, offer.name);
    const isSame =
      present.size === offer.size && (await host.archives.digest(path)) === offer.sha256;
    return isSame
      ? { status: 200, data: { complete: true, received: offer.size } }
      : refuse(409, 'exists');
  }
  const mine = holding.parts.find((part) => partName(part) === partName(offer));
  const others = { ...holding, parts: holding.parts.filter((part) => part !== mine) };
  const denied = refuseBytes(others, visit.grant, offer.size);
  return denied === null ? { received: mine?.size ?? 0 } : DENIED[denied];
}

const isReply = (value: PeerReply | { received: number }): value is PeerReply => 'status' in value;

async function acceptOffer(host: Host, visit: Visit, offer: Offer): Promise<PeerReply> {
  await host.files.makeDirectory(visit.folder, { mode: 0o700 });
  if (visit.uploads.has(offer.name)) return refuse(409, 'busy');
  const { parts } = await readHolding(host, visit.folder);
  for (const part of planPartRemoval(parts, host.clock.now())) {
    if (!visit.uploads.has(part.name)) await host.files.remove(join(visit.folder, partName(part)));
  }
  const judged = await judge(host, visit, offer);
  return isReply(judged) ? judged : { status: 200, data: { complete: false, ...judged } };
}

function isDiskFull(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

type Upload = Extract<MeshRequest, { kind: 'upload' }>;

/** A part whose hash is wrong is removed: the next attempt begins anew. */
async function complete(
  host: Host,
  { folder }: Visit,
  { upload, digest }: { upload: Upload; digest: string },
): Promise<PeerReply> {
  const part = join(folder, partName(upload));
  if (digest !== upload.sha256) {
    await host.files.remove(part);
    return refuse(422, 'digest');
  }
  const done = await host.archives.finish(part, join(folder, upload.name));
  return done ? { status: 201, data: {} } : refuse(409, 'exists');
}

async function acceptUpload(
  host: Host,
  visit: Visit,
  { upload, request }: { upload: Upload; request: PeerRequest },
): Promise<PeerReply> {
  const { folder, uploads } = visit;
  const { name, from, size } = upload;
  const limit = size - from;
  if (request.length !== limit) return BAD;
  if (uploads.has(name)) return refuse(409, 'busy');
  // reserved before it is judged: of two at once, each counts for the other
  uploads.set(name, limit);
  try {
    const judged = await judge(host, visit, upload);
    if (isReply(judged)) return judged;
    if (judged.received < from) return refuse(409, 'offset');
    const written = (count: number) => uploads.set(name, limit - count);
    const flow = { offset: from, limit, pieces: request.body, written };
    const part = join(folder, partName(upload));
    const { bytes, sha256 } = await host.archives.append(part, flow);
    if (bytes < limit) return BAD;
    // of a resumed upload, only the end has just been hashed
    const digest = from === 0 ? sha256 : await host.archives.digest(part);
    return await complete(host, visit, { upload, digest });
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    return DENIED.space;
  } finally {
    uploads.delete(name);
  }
}

async function removeFiles(host: Host, visit: Visit, names: readonly string[]): Promise<PeerReply> {
  const now = host.clock.now();
  if (!isPlausible(now)) return refuse(503, 'clock');
  const { files } = await readHolding(host, visit.folder);
  const wanted = files.filter(({ name }) => names.includes(name));
  if (wanted.some((file) => isProtected(file, visit.grant, now))) return refuse(403, 'protected');
  for (const { name } of wanted) await host.files.remove(join(visit.folder, name));
  return { status: 200, data: { removed: wanted.length } };
}

/** A complete file; null when it is missing. */
async function find(host: Host, path: string) {
  const stat = await host.files.stat(path);
  return stat?.kind === 'file' ? { size: stat.size } : null;
}

async function sendContent(host: Host, path: string, from: number): Promise<PeerReply> {
  const file = await find(host, path);
  if (file === null || from > file.size) return refuse(404, 'missing');
  return { status: 200, file: { path: host.files.path(path), from, to: file.size } };
}

type Proof = Extract<MeshRequest, { kind: 'proof' }>;

async function prove(host: Host, visit: Visit, { name, from, to, nonce }: Proof) {
  const path = join(visit.folder, name);
  const file = await find(host, path);
  if (file === null || to > file.size) return refuse(404, 'missing');
  const first = Buffer.from(nonce, 'hex');
  return {
    status: 200,
    data: { sha256: await host.archives.digest(path, { first, from, to }) },
  };
}

async function describeSpace(host: Host, visit: Visit): Promise<PeerReply> {
  const { quota, protectedSeconds: protected_seconds } = visit.grant;
  const content = await readHolding(host, visit.folder);
  return {
    status: 200,
    data: { used: usedBytes({ ...content, expected: 0 }), quota, protected_seconds },
  };
}

async function keepRestoreKey(host: Host, { folder }: Visit, key: string): Promise<PeerReply> {
  await host.files.makeDirectory(folder, { mode: 0o700 });
  const added = await addRestoreKey(host, folder, key);
  return added ? { status: 200, data: {} } : refuse(413, 'quota');
}

async function listFiles(host: Host, folder: string): Promise<PeerReply> {
  const { files } = await readHolding(host, folder);
  const shown = files.map(({ name, size, modified }) => ({
    name,
    size,
    modified: modified.toISOString(),
  }));
  return { status: 200, data: { files: shown } };
}

const ALLOWED: Readonly<Record<'read' | 'take', readonly MeshRequest['kind'][]>> = {
  read: ['list', 'space', 'content', 'proof'],
  take: ['own list', 'own content'],
};

/** One request of a peer to the end; every wrong one gets an answer, none an exception. */
export async function answer(host: Host, visit: Visit, request: PeerRequest): Promise<PeerReply> {
  const line = parseRequestLine(request.method, request.target);
  if (line === null) return BAD;
  const body = readsJson(line) ? await readJsonBody(request) : '';
  const asked = body === null ? null : parseRequest(line, body);
  if (asked === null) return BAD;
  if (visit.may !== 'store' && !ALLOWED[visit.may].includes(asked.kind)) {
    return refuse(403, 'read-only');
  }
  switch (asked.kind) {
    case 'list':
      return listFiles(host, visit.folder);
    case 'own list':
      return listFiles(host, visit.offers);
    case 'space':
      return describeSpace(host, visit);
    case 'content':
      return sendContent(host, join(visit.folder, asked.name), asked.from);
    case 'own content':
      return sendContent(host, join(visit.offers, asked.name), asked.from);
    case 'proof':
      return prove(host, visit, asked);
    case 'offer':
      return acceptOffer(host, visit, asked);
    case 'upload':
      return acceptUpload(host, visit, { upload: asked, request });
    case 'removal':
      return removeFiles(host, visit, asked.names);
    case 'restore key':
      return keepRestoreKey(host, visit, asked.public_key);
  }
}
