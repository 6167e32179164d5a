// A box that its peer cannot reach fetches what the peer offers.

import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestText } from '../../src/host/digest.ts';
import { writeAdmitted } from '../../src/mesh/listener/admitted.ts';
import { listenerPaths } from '../../src/mesh/listener/listener.ts';
import { followOutbox } from '../../src/mesh/offers.ts';
import { prepareListener } from '../../src/mesh/own-identity.ts';
import { planPull, pullFrom } from '../../src/mesh/pull.ts';
import { createPeerWorld, MESH, type PeerWorld } from './peers/world.ts';

const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const NAMES = ['1-0.tar.zst.age', '1-1.tar.zst.age', '1.manifest.json'];
const contents = NAMES.map((name) => ({ name, bytes: randomBytes(200_000) }));

let world: PeerWorld;
beforeAll(async () => {
  world = await createPeerWorld();
  await prepareListener(world.host, { folder: MESH, user });
});
afterAll(() => world.stop());

const outbox = (...parts: string[]) => join(world.away.files.path('/mesh/outbox'), ...parts);
const offers = () => readdirSync(world.away.files.path(listenerPaths(MESH).offers)).sort();
const pulled = (...parts: string[]) =>
  world.local(join(MESH, 'peers', world.peer.peerId, ...parts));
const offer = () => followOutbox(world.away, { folder: MESH, outbox: '/mesh/outbox', user });

async function admitPeer(quota = 1e9) {
  const peers = [{ id: world.peer.peerId, quota, protectedSeconds: 100 }];
  await writeAdmitted(world.host, listenerPaths(MESH).own, { peers, user });
}

const box = () => ({
  ...{ id: world.peer.peerId, rate: null },
  addresses: [{ address: '127.0.0.1', port: world.port }],
});
const pull = () => pullFrom(world.host, MESH, box());

beforeEach(async () => {
  rmSync(outbox(), { recursive: true, force: true });
  rmSync(pulled(), { recursive: true, force: true });
  mkdirSync(outbox(), { recursive: true });
  for (const { name, bytes } of contents) writeFileSync(outbox(name), bytes, { mode: 0o600 });
  await admitPeer();
  await world.admit({});
  await offer();
});

test('everything that a peer offers is fetched once, byte for byte', async () => {
  expect(await pull()).toEqual({ files: 3, bytes: 600_000 });
  expect(await pull()).toEqual({ files: 0, bytes: 0 });

  expect(readdirSync(pulled()).sort()).toEqual(NAMES);
  for (const { name, bytes } of contents) {
    expect(Buffer.compare(readFileSync(pulled(name)), bytes)).toBe(0);
    expect(statSync(pulled(name)).mode & 0o777).toBe(0o600);
  }
});

test('only backups newer than the newest one here are fetched, each manifest last', () => {
  const offered = [
    '2.manifest.json',
    '2-0.tar.zst.age',
    '10-1.tar.zst.age',
    '1-1.tar.zst.age',
    'x.age',
  ];
  const files = offered.map((name) => ({ name, size: 1, modified: new Date(0) }));
  const plan = (here: string[]) => planPull(files, here).map(({ name }) => name);

  expect(plan([])).toEqual([
    ...['1-1.tar.zst.age', '2-0.tar.zst.age', '2.manifest.json', '10-1.tar.zst.age'],
  ]);
  expect(plan(['1.manifest.json', '2-0.tar.zst.age'])).toEqual([
    '2.manifest.json',
    '10-1.tar.zst.age',
  ]);
  expect(plan(['2.manifest.json'])).toEqual(['10-1.tar.zst.age']);
});

test('a fetch that broke goes on where it was', async () => {
  const [{ name, bytes } = { name: '', bytes: Buffer.alloc(0) }] = contents;
  mkdirSync(pulled(), { recursive: true });
  const part = `.${name}.${digestText(`pulled ${name} ${bytes.length}`)}.part`;
  // a mark that a second transfer of these bytes would overwrite
  const begun = Buffer.concat([Buffer.from('kept'), bytes.subarray(4, 150_000)]);
  writeFileSync(pulled(part), begun);

  await pull();

  expect(readFileSync(pulled(name)).subarray(0, 4).toString()).toBe('kept');
  expect(statSync(pulled(name)).size).toBe(bytes.length);
});

test('the offers follow the outbox, take no space, and are for the group of the listener', async () => {
  expect(offers()).toEqual(NAMES);
  expect(statSync(outbox(NAMES[0] ?? '')).nlink).toBe(2);
  expect(statSync(outbox(NAMES[0] ?? '')).mode & 0o777).toBe(0o640);

  rmSync(outbox(NAMES[0] ?? ''));
  writeFileSync(outbox('2-1.tar.zst.age.part'), 'unfinished');
  rmSync(outbox('1.manifest.json'));
  writeFileSync(outbox('1.manifest.json'), 'another');
  await offer();

  expect(offers()).toEqual(['1-1.tar.zst.age', '1.manifest.json']);
  expect(await pull()).toEqual({ files: 2, bytes: 200_007 });
});

test('nothing beyond the quota of the peer is fetched', async () => {
  await admitPeer(450_000);

  await expect(pull()).rejects.toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('exceeds its quota here'),
  });
  expect(readdirSync(pulled())).toHaveLength(2);
});

test('a peer that is not admitted here is not asked, and one that does not admit us says so', async () => {
  await writeAdmitted(world.host, listenerPaths(MESH).own, { peers: [], user });
  await expect(pull()).rejects.toMatchObject({
    message: expect.stringContaining('not admitted here'),
  });

  await admitPeer();
  await world.admit(null);
  await expect(pull()).rejects.toMatchObject({
    message: expect.stringContaining('does not know this box'),
  });
});

test("with the listener's key nothing can be stored, listed, read or removed at a peer", async () => {
  const paths = listenerPaths(MESH);
  const pair = {
    key: readFileSync(world.local(paths.key), 'utf8'),
    certificate: readFileSync(world.local(paths.chain), 'utf8'),
    peerId: '',
  };
  const file = world.file('9-1.tar.zst.age');
  await world.store().put(file);
  const thief = world.store({ as: pair });

  const attempts = [
    () => thief.put(world.file('8-1.tar.zst.age')),
    () => thief.list(),
    () => thief.get(file, '/stolen'),
    () => thief.remove([file.name]),
    () => thief.addRestoreKey('a'.repeat(64)),
  ];
  for (const attempt of attempts) {
    await expect(attempt()).rejects.toMatchObject({ code: 'PEER_REFUSED' });
  }
});
