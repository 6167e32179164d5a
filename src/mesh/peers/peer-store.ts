// A peer that is a box, reached over HTTPS with both keys pinned. Its addresses are tried in order.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { PeerAnswer } from '../../host/peer-client.ts';
import type { CertificateAndKey } from '../identity.ts';
import type { ArchiveFile, ArchiveStore, ByteRange, Progress } from '../store.ts';
import { parseFiles, parseOffer, parseProof, parseSpace } from './answers.ts';
import { makeChallenges } from './challenges.ts';
import { download } from './download.ts';
import { collect, paced } from './pace.ts';
import { asked, atAnyAddress, isElsewhere, type PeerBox, type Reach, reachOf } from './reach.ts';
import { refusalError, refusalOf, tooLarge } from './refusals.ts';

function offer(reach: Reach, { name, size, sha256 }: ArchiveFile) {
  const body = { name, size, sha256 };
  const request = { method: 'POST', path: '/v1/offers', body } as const;
  return asked(reach, { ...request, about: name, changes: true }, (data) => parseOffer(data, size));
}

type LocalFile = ArchiveFile & { readonly path: string };

/** Bytes that a slow router writes and hashes in a millisecond. */
const HASHED_PER_MS = 10_000;

async function upload(
  reach: Reach,
  { name, size, sha256, path }: LocalFile,
  { from, progress }: { from: number; progress: Progress },
): Promise<PeerAnswer> {
  const { host, peer } = reach;
  const pieces = paced(host, host.archives.read(path, { from, to: size }), {
    rate: peer.rate,
    passed: (bytes) => progress(from + bytes),
  });
  return atAnyAddress({ ...reach, peer: { ...peer, addresses: [] } }, (target) =>
    host.wire.send(target, {
      method: 'PUT',
      path: `/v1/files/${name}?size=${size}&sha256=${sha256}&from=${from}`,
      body: { length: size - from, pieces },
      patience: 60_000 + size / HASHED_PER_MS,
    }),
  );
}

/** An interrupted transfer is resumed this often in a row without any progress. */
const ATTEMPTS = 3;

async function put(reach: Reach, file: LocalFile, progress: Progress): Promise<void> {
  let best = -1;
  for (let left = ATTEMPTS; ; left -= 1) {
    const { complete, received: from } = await offer(reach, file);
    if (complete) break;
    if (from > best) left = ATTEMPTS;
    best = Math.max(best, from);
    try {
      const answer = await upload(reach, file, { from, progress });
      if (answer.status === 201) break;
      // the part was wrong, and has been removed
      if (refusalOf(answer) !== 'digest' || from === 0)
        throw refusalError(reach.label, file.name, answer);
    } catch (error) {
      if (!isElsewhere(error) || left <= 1) throw error;
    }
  }
  progress(file.size);
  await verifyHeld(reach, file);
}

/** Catches a peer that says yes and stores nothing, while the file is still here. */
async function verifyHeld(reach: Reach, { name, size, path }: LocalFile): Promise<void> {
  for (const { from, to, nonce, answer } of await makeChallenges(reach.host, { path, size }, 1)) {
    const found = await prove(reach, name, {
      range: { from, to },
      nonce: Buffer.from(nonce, 'hex'),
    });
    if (found === answer) continue;
    const message = `${name}: ${reach.label} has confirmed it and does not hold it`;
    throw new MailctlError('PEER_REFUSED', message);
  }
}

function prove(
  reach: Reach,
  name: string,
  { range, nonce }: { range: ByteRange; nonce: Uint8Array },
): Promise<string> {
  const body = { name, ...range, nonce: Buffer.from(nonce).toString('hex') };
  return asked(reach, { method: 'POST', path: '/v1/proofs', body, about: name }, parseProof);
}

async function readSmall(reach: Reach, name: string, limit: number): Promise<Uint8Array> {
  const { wire } = reach.host;
  const request = { method: 'GET', path: `/v1/files/${name}?from=0` } as const;
  let bytes: Uint8Array = new Uint8Array();
  const answer = await atAnyAddress(reach, (target) =>
    wire.receive(target, request, async (length, pieces) => {
      if (!(length <= limit)) throw tooLarge(reach.label, name, limit);
      bytes = await collect(pieces);
    }),
  );
  if (answer.status !== 200) throw refusalError(reach.label, name, answer);
  return bytes;
}

async function get(
  reach: Reach,
  file: ArchiveFile,
  { path, progress }: { path: string; progress: Progress },
): Promise<void> {
  const { host, label } = reach;
  const part = `${path}.part`;
  const resumed = (await host.files.stat(part)) !== null;
  await download(reach, file, { request: `/v1/files/${file.name}`, part, progress });
  if ((await host.archives.digest(part)) === file.sha256) {
    await host.files.rename(part, path);
    return;
  }
  await host.files.remove(part);
  // the beginning may be of another attempt, or of another peer
  if (resumed) return get(reach, file, { path, progress });
  const message = `${file.name}: ${label} serves other bytes than it was given`;
  throw new MailctlError('ARCHIVE_INVALID', message, { hint: 'mailctl mesh verify' });
}

/** A store at another box. */
export interface PeerStore extends ArchiveStore {
  /** Lets the holder of a restore key read what this box has stored. @param key its fingerprint */
  addRestoreKey(key: string): Promise<void>;
}

const nothing: Progress = () => undefined;

export function openPeer(host: Host, peer: PeerBox, identity: CertificateAndKey): PeerStore {
  const reach = reachOf(host, peer, identity);
  return {
    label: reach.label,
    list: () => asked(reach, { method: 'GET', path: '/v1/files', about: 'list' }, parseFiles),
    put: (file, progress = nothing) => put(reach, file, progress),
    get: (file, path, progress = nothing) => get(reach, file, { path, progress }),
    read: (name, limit) => readSmall(reach, name, limit),
    prove: (name, range, nonce) => prove(reach, name, { range, nonce }),
    remove: async (names) => {
      const request = { method: 'POST', path: '/v1/removals', body: { names } } as const;
      const about = names.join(', ');
      await asked(reach, { ...request, about, changes: true }, () => true);
    },
    addRestoreKey: async (key) => {
      const request = {
        method: 'POST',
        path: '/v1/restore-key',
        body: { public_key: key },
      } as const;
      await asked(reach, { ...request, about: 'restore key', changes: true }, () => true);
    },
    space: () => asked(reach, { method: 'GET', path: '/v1/space', about: 'space' }, parseSpace),
  };
}
