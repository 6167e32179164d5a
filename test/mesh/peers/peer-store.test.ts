// Two boxes on the loopback: real TLS, real files.

import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { ensureIdentity } from '../../../src/mesh/own-identity.ts';
import { openPeer } from '../../../src/mesh/peers/peer-store.ts';
import { makeRestoreIdentity, restoreKeyOf } from '../../../src/mesh/restore-key.ts';
import { createPeerWorld, DAY, hashOf, type PeerWorld, read } from './world.ts';

let world: PeerWorld;
beforeAll(async () => {
  world = await createPeerWorld();
});
afterAll(() => world.stop());
beforeEach(async () => {
  rmSync(world.held(), { recursive: true, force: true });
  world.now = null;
  await world.admit({});
});

const NAME = '1-1.tar.zst.age';

test('a file that is put is listed, proved, and read back byte for byte', async () => {
  const store = world.store();
  const bytes = randomBytes(3_000_000);
  const file = world.file(NAME, bytes);
  const steps: number[] = [];

  await store.put(file, (sent) => steps.push(sent));
  await store.get(file, '/back');

  expect(await store.list()).toEqual([
    { name: NAME, size: bytes.length, modified: statSync(world.held(NAME)).mtime },
  ]);
  expect(Buffer.compare(read(world.local('/back')), bytes)).toBe(0);
  expect(steps.at(-1)).toBe(bytes.length);
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  const nonce = randomBytes(32);
  const range = { from: 12_345, to: 2_000_000 };
  const expected = hashOf(Buffer.concat([nonce, bytes.subarray(range.from, range.to)]));
  expect(await store.prove(NAME, range, nonce)).toBe(expected);
  expect(await store.space()).toMatchObject({ used: bytes.length, quota: 1e9 });
  expect(statSync(world.held(NAME)).mode & 0o777).toBe(0o600);
});

test('an empty file, and one that the peer has already, are put', async () => {
  const store = world.store();
  const empty = world.file('0.manifest.json', new Uint8Array());

  await store.put(empty);
  await store.put(empty);
  await store.get(empty, '/empty');

  expect(statSync(world.local('/empty')).size).toBe(0);
});

test('an upload that broke goes on where it was', async () => {
  const bytes = randomBytes(1_000_000);
  const file = world.file(NAME, bytes);
  mkdirSync(world.held(), { recursive: true });
  writeFileSync(world.held(`.${NAME}.${file.sha256}.part`), bytes.subarray(0, 700_000));
  const steps: number[] = [];

  await world.store().put(file, (sent) => steps.push(sent));

  expect(steps[0]).toBeGreaterThan(700_000);
  expect(Buffer.compare(read(world.held(NAME)), bytes)).toBe(0);
  expect(world.names()).toEqual([NAME]);
});

test('a part with wrong bytes is found by its hash and sent again', async () => {
  const bytes = randomBytes(500_000);
  const file = world.file(NAME, bytes);
  mkdirSync(world.held(), { recursive: true });
  writeFileSync(world.held(`.${NAME}.${file.sha256}.part`), randomBytes(300_000));

  await world.store().put(file);

  expect(Buffer.compare(read(world.held(NAME)), bytes)).toBe(0);
});

test('a download that broke goes on where it was, and a wrong part is fetched again', async () => {
  const bytes = randomBytes(500_000);
  const file = world.file(NAME, bytes);
  await world.store().put(file);
  for (const part of [bytes.subarray(0, 400_000), randomBytes(400_000), randomBytes(600_000)]) {
    writeFileSync(world.local('/back.part'), part);

    await world.store().get(file, '/back');

    expect(Buffer.compare(read(world.local('/back')), bytes)).toBe(0);
    expect(existsSync(world.local('/back.part'))).toBe(false);
  }
});

test('no file is replaced, and the refusal says so', async () => {
  await world.store().put(world.file(NAME));

  const other = world.file(NAME, randomBytes(50));

  await expect(world.store().put(other)).rejects.toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('holds another file under this name already'),
  });
});

test('a file can be removed only after the protected window', async () => {
  await world.admit({ protectedSeconds: DAY });
  const store = world.store();
  const [old, young] = [world.file(NAME), world.file('2-1.tar.zst.age')];
  await store.put(old);
  await store.put(young);
  const past = new Date(Date.now() - 2 * DAY * 1000);
  utimesSync(world.held(NAME), past, past);

  await expect(store.remove([NAME, young.name])).rejects.toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('protected window'),
  });
  expect(world.names()).toEqual([NAME, young.name]);
  await store.remove([NAME, '9.manifest.json']);

  expect(world.names()).toEqual([young.name]);
});

test('a peer whose clock is not set takes and removes nothing', async () => {
  await world.admit({ protectedSeconds: DAY });
  await world.store().put(world.file(NAME));
  world.now = new Date('1970-01-02');

  const reason = { code: 'PEER_AWAY', message: expect.stringContaining('clock that is not set') };
  await expect(world.store().put(world.file('2.manifest.json'))).rejects.toMatchObject(reason);
  await expect(world.store().remove([NAME])).rejects.toMatchObject(reason);
});

test('a clock that was set back does not open the protected window', async () => {
  await world.store().put(world.file(NAME));
  const future = new Date(Date.now() + 1000 * DAY * 1000);
  utimesSync(world.held(NAME), future, future);

  await expect(world.store().remove([NAME])).rejects.toMatchObject({ code: 'PEER_REFUSED' });
});

test('the quota counts files, parts and uploads that run, and is never exceeded', async () => {
  await world.admit({ quota: 250_000 });
  const files = [1, 2, 3, 4].map((n) => world.file(`${n}-1.tar.zst.age`, randomBytes(100_000)));

  const results = await Promise.allSettled(files.map((file) => world.store().put(file)));

  const stored = results.filter(({ status }) => status === 'fulfilled').length;
  expect(stored).toBeLessThanOrEqual(2);
  await expect(
    world.store().put(world.file('5-1.tar.zst.age', randomBytes(250_001))),
  ).rejects.toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('quota'),
  });
  expect((await world.store().space()).used).toBeLessThanOrEqual(250_000);
});

test('a box that the peer has not added learns how to be added, and nothing else', async () => {
  await world.admit(null);

  await expect(world.store().list()).rejects.toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('does not know this box'),
    hint: expect.stringContaining('mailctl mesh add-peer'),
  });
});

test('a peer that shows another key gets nothing', async () => {
  const id = 'ab'.repeat(32);

  await expect(world.store({ id }).put(world.file(NAME))).rejects.toMatchObject({
    code: 'PEER_CHANGED',
    message: expect.stringContaining(`shows the identity ${world.peer.peerId}`),
  });
  expect(existsSync(world.held())).toBe(false);
});

test('the addresses of a peer are tried in order until one is the peer', async () => {
  const file = world.file(NAME);
  const stranger = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { open: (s) => void s.end(), data: () => undefined },
  });
  const addresses = [
    { address: '127.0.0.1', port: 1 },
    { address: '127.0.0.1', port: stranger.port },
    { address: '127.0.0.1', port: world.port },
  ];

  await openPeer(world.host, { id: world.peer.peerId, addresses, rate: null }, world.box).put(file);

  stranger.stop();
  expect(world.names()).toEqual([NAME]);
});

test('a peer that is gone is away, and named by its address', async () => {
  await expect(world.store({ port: 1 }).list()).rejects.toMatchObject({
    code: 'PEER_AWAY',
    message: 'the peer at 127.0.0.1:1 refuses the connection',
  });
});

test('a transfer keeps to its rate', async () => {
  const started = performance.now();

  await world.store({ rate: 1_000_000 }).put(world.file(NAME, randomBytes(600_000)));

  expect(performance.now() - started).toBeGreaterThan(250);
});

test('the holder of the recovery key reads with no step on the peer, and writes nothing', async () => {
  const recoveryKey = 'AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ';
  const file = world.file(NAME);
  await world.store().put(file);
  await world.store().addRestoreKey(restoreKeyOf(recoveryKey));

  const identity = { ...(await makeRestoreIdentity(recoveryKey)), peerId: '' };
  const reader = world.store({ as: identity });

  await reader.get(file, '/restored');
  expect((await reader.list()).map(({ name }) => name)).toEqual([NAME]);
  await expect(reader.put(world.file('2.manifest.json'))).rejects.toMatchObject({
    message: expect.stringContaining('only read'),
  });
  await expect(reader.remove([NAME])).rejects.toMatchObject({ code: 'PEER_REFUSED' });
  const wrong = { ...(await makeRestoreIdentity(`${recoveryKey}Q`)), peerId: '' };
  await expect(world.store({ as: wrong }).list()).rejects.toMatchObject({ code: 'PEER_REFUSED' });
});

test('an identity is made once, and is not replaced', async () => {
  expect((await ensureIdentity(world.host, '/mesh')).peerId).toBe(world.box.peerId);
});

test('what is not a file of a store is neither listed nor served', async () => {
  await world.store().put(world.file(NAME));
  symlinkSync('/etc/passwd', world.held('2.manifest.json'));

  const listed = await world.store().list();

  expect(listed.map(({ name }) => name)).toEqual([NAME]);
  const link = { name: '2.manifest.json', size: 10, sha256: 'a'.repeat(64) };
  await expect(world.store().get(link, '/x')).rejects.toMatchObject({ code: 'PEER_REFUSED' });
});
