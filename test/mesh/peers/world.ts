// Two boxes in temporary folders: one listens on the loopback as a host of archives, the other has archives to store.

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createHost, type Host } from '../../../src/host/host.ts';
import { writeAdmitted } from '../../../src/mesh/listener/admitted.ts';
import { startListener } from '../../../src/mesh/listener/listener.ts';
import {
  type BoxIdentity,
  ensureIdentity,
  prepareListener,
} from '../../../src/mesh/own-identity.ts';
import { openPeer, type PeerStore } from '../../../src/mesh/peers/peer-store.ts';
import type { ArchiveFile } from '../../../src/mesh/store.ts';

export const MESH = '/mesh';

export type LocalFile = ArchiveFile & { readonly path: string };

export interface PeerWorld {
  /** Of the box that stores its archives. */
  readonly host: Host;
  /** Of the box that holds them. */
  readonly away: Host;
  readonly box: BoxIdentity;
  /** The box that holds them. */
  readonly peer: BoxIdentity;
  readonly port: number;
  /** What the listener has logged. */
  readonly said: string[];
  /** The clock of the listener. */
  now: Date | null;
  store(options?: { rate?: number; port?: number; id?: string; as?: BoxIdentity }): PeerStore;
  admit(grant: { quota?: number; protectedSeconds?: number } | null): Promise<void>;
  /** Writes a local file with these bytes. */
  file(name: string, bytes?: Uint8Array): LocalFile;
  /** Real path of a place at the peer: its folder for this box. */
  held(...parts: string[]): string;
  /** Names in that folder. */
  names(): string[];
  local(path: string): string;
  stop(): Promise<void>;
}

export const DAY = 86_400;

export async function createPeerWorld(): Promise<PeerWorld> {
  const root = mkdtempSync(join(tmpdir(), 'mailctl-mesh-'));
  const hostAt = (name: string) => {
    mkdirSync(join(root, name));
    return createHost({ root: join(root, name), env: process.env, say: () => undefined });
  };
  const [host, away] = [hostAt('box'), hostAt('peer')];
  const [box, peer] = await Promise.all([ensureIdentity(host, MESH), ensureIdentity(away, MESH)]);
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await prepareListener(away, { folder: MESH, user });
  const said: string[] = [];
  const listening: Host = {
    ...away,
    clock: { ...away.clock, now: () => world.now ?? new Date() },
  };
  const place = { folder: MESH, address: '127.0.0.1', port: 0 };
  const listener = await startListener(listening, { ...place, log: (line) => said.push(line) });
  const { port } = listener;
  const world: PeerWorld = {
    ...{ host, away, box, peer, port, said, now: null },
    store: ({ rate, port: other, id, as } = {}) => {
      const addresses = [{ address: '127.0.0.1', port: other ?? port }];
      return openPeer(host, { id: id ?? peer.peerId, addresses, rate: rate ?? null }, as ?? box);
    },
    admit: async (grant) => {
      const { quota = 1e9, protectedSeconds = 14 * DAY } = grant ?? {};
      const own = { id: box.peerId, quota, protectedSeconds };
      const peers = grant === null ? [] : [own];
      await writeAdmitted(away, join(MESH, 'listener'), { peers, user });
    },
    file: (name, bytes = randomBytes(100_000)) => {
      const path = join('/outbox', name);
      mkdirSync(dirname(join(root, 'box', path)), { recursive: true });
      writeFileSync(join(root, 'box', path), bytes);
      return { name, path, size: bytes.length, sha256: hashOf(bytes) };
    },
    held: (...parts) => join(root, 'peer', MESH, 'peers', box.peerId, ...parts),
    names: () => readdirSync(world.held()).sort(),
    local: (path) => join(root, 'box', path),
    stop: async () => {
      await listener.close();
      rmSync(root, { recursive: true });
    },
  };
  await world.admit({});
  return world;
}

export const hashOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

export const read = (path: string): Uint8Array => readFileSync(path);
