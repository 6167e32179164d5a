// Boxes on different hosts of a real network: one keeps the archives of another. The listener runs as its own user.

import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PeerBox } from '../../src/mesh/peers/reach.ts';
import { labDown, networkUp, onHost } from './lab/network.ts';
import { type HostName, NETWORK, WORK_DIRECTORY } from './lab/plan.ts';
import { must, run, waitFor } from './lab/programs.ts';
import type { Orders } from './mesh/drive.ts';

const DRIVE = join(import.meta.dir, 'mesh/drive.ts');
const PORT = 7332;
const USER = 'mailserver-mesh';
const MB = 1024 * 1024;

interface Answer {
  done?: unknown;
  code?: string;
  message?: string;
}

const place = (box: string) => join(WORK_DIRECTORY, box);
const argv = (host: HostName, orders: Orders) =>
  onHost(host, [process.execPath, DRIVE, JSON.stringify(orders)]);

async function drive(host: HostName, orders: Orders): Promise<Answer> {
  const { stdout, stderr } = await run(argv(host, orders), { timeout: 60_000 });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Starts one that the test kills. */
function start(host: HostName, orders: Orders, wrap: string[] = []) {
  const child = Bun.spawn([...wrap, ...argv(host, orders)], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  running.push(child);
  return child;
}

const running: Bun.Subprocess[] = [];
const box = { id: '', host: 'lan' as const, folder: '' };
const peer = { id: '', host: 'router' as const, folder: '' };
let toPeer: PeerBox;

async function listen(more: Partial<Orders['listen']> = {}, wrap?: string[]) {
  const grant = { id: box.id, quota: 1e9, protectedSeconds: 86_400 };
  const orders = {
    folder: peer.folder,
    listen: { address: '::', port: PORT, ...more },
    admit: [grant],
  };
  const child = start(peer.host, orders, wrap);
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toContain('listening');
  return child;
}

async function makeFile(name: string, size: number) {
  const path = join(box.folder, name);
  // ChaCha's output of a fixed key is as good as random, and quick
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 65_536) bytes.writeUInt32LE(at, at);
  await writeFile(path, bytes);
  return { name, path, size, sha256: createHash('sha256').update(bytes).digest('hex') };
}

const held = (...parts: string[]) => join(peer.folder, 'peers', box.id, ...parts);
const sizeOf = async (path: string) => (await stat(path).catch(() => null))?.size ?? 0;
const partOf = async () =>
  (await readdir(held()).catch(() => [])).find((name) => name.endsWith('.part')) ?? 'none';

beforeAll(async () => {
  await labDown();
  await networkUp();
  for (const one of [box, peer]) {
    one.folder = join(place(one.host), 'mesh');
    await mkdir(place(one.host), { recursive: true });
    one.id = String((await drive(one.host, { folder: one.folder })).done);
  }
  const addresses = [
    // nothing listens there
    { address: NETWORK.router.wan, port: 1 },
    { address: NETWORK.router.lan, port: PORT },
  ];
  toPeer = { id: peer.id, addresses, rate: null };
});
afterEach(async () => {
  for (const child of running.splice(0)) {
    child.kill('SIGKILL');
    await child.exited;
  }
});
afterAll(labDown);

test('a box stores an archive with its peer, whose listener is not root and reads nothing else', async () => {
  const child = await listen();
  const file = await makeFile('1-1.tar.zst.age', 100 * MB);

  expect(await drive(box.host, { folder: box.folder, put: { peer: toPeer, file } })).toHaveProperty(
    'done',
  );
  const to = join(box.folder, 'back');
  expect(
    await drive(box.host, { folder: box.folder, get: { peer: toPeer, file, to } }),
  ).toHaveProperty('done');

  expect(
    createHash('sha256')
      .update(await readFile(to))
      .digest('hex'),
  ).toBe(file.sha256);
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  const uid = (await must(['id', '-u', USER])).trim();
  expect(status).toMatch(new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, 'm'));
  expect(status).toMatch(/^CapEff:\t0+$/m);
  expect(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1])).toBeLessThan(140 * 1024);
  const may = async (...command: string[]) =>
    (await run(['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...command]))
      .status === 0;
  expect(await may('cat', held(file.name))).toBe(true);
  expect(await may('cat', join(peer.folder, 'identity/key.pem'))).toBe(false);
  expect(await may('ls', peer.folder)).toBe(false);
  for (const place of ['', 'listener', 'identity']) {
    expect(await may('touch', join(peer.folder, place, 'x'))).toBe(false);
  }
  expect(await may('sh', '-c', `echo > ${join(peer.folder, 'listener/peers.json')}`)).toBe(false);
});

test('a transfer goes on where it was after either end was killed', async () => {
  const file = await makeFile('2-1.tar.zst.age', 60 * MB);
  const orders = { folder: box.folder, put: { peer: { ...toPeer, rate: 20 * MB }, file } };
  const arrived = async (bytes: number) =>
    waitFor(`${bytes} bytes at the peer`, async () =>
      (await sizeOf(held(await partOf()))) >= bytes ? true : undefined,
    );
  let listener = await listen();
  const first = start(box.host, orders);
  await arrived(10 * MB);
  first.kill('SIGKILL');
  await first.exited;

  const second = start(box.host, orders);
  await arrived(25 * MB);
  listener.kill('SIGKILL');
  const said = JSON.parse(await new Response(second.stdout).text()) as Answer;
  const before = await sizeOf(held(await partOf()));
  listener = await listen();
  const done = await drive(box.host, { ...orders, put: { peer: toPeer, file } });

  expect(said.code).toBe('PEER_AWAY');
  expect(before).toBeGreaterThan(20 * MB);
  expect(done).toHaveProperty('done');
  expect((await drive(box.host, { folder: box.folder, list: toPeer })).done).toContainEqual(
    expect.objectContaining({ name: file.name, size: file.size }),
  );
});

test('a disk that fills up at the peer breaks off the transfer, and room lets it go on', async () => {
  const mount = `mount -t tmpfs -o size=64m tmpfs ${join(peer.folder, 'peers')} && chown ${USER}: ${join(peer.folder, 'peers')} && exec "$@"`;
  await listen({}, ['unshare', '--mount', 'sh', '-c', mount, 'sh']);
  const inside = running[0]?.pid;
  const at = (...command: string[]) => [
    'nsenter',
    '-t',
    String(inside),
    '--mount',
    '--',
    ...command,
  ];
  const file = await makeFile('3-1.tar.zst.age', 40 * MB);
  const put = (rate: number | null) => ({
    folder: box.folder,
    put: { peer: { ...toPeer, rate }, file },
  });
  const slow = start(box.host, put(15 * MB));
  await waitFor('the beginning of the file', async () =>
    (await run(at('sh', '-c', `ls -a ${held()} | grep -q part`))).status === 0 ? true : undefined,
  );
  const ballast = join(peer.folder, 'peers/ballast');
  await run(at('dd', 'if=/dev/zero', `of=${ballast}`, 'bs=1M'));
  const full = JSON.parse(await new Response(slow.stdout).text()) as Answer;
  const still = await drive(box.host, put(null));
  await must(at('rm', ballast));

  expect(full).toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('not enough space'),
  });
  expect(still).toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('not enough space'),
  });
  expect(await drive(box.host, put(null))).toHaveProperty('done');
});

test('a box that was not added, and a peer with another key, get nothing', async () => {
  await listen();
  const stranger = join(place('wan'), 'mesh');
  await mkdir(place('wan'), { recursive: true });
  const outside = { ...toPeer, addresses: [{ address: NETWORK.router.wan, port: PORT }] };

  expect(await drive('wan', { folder: stranger, list: outside })).toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('does not know this box'),
  });
  const other = { ...toPeer, id: box.id };
  expect(await drive(box.host, { folder: box.folder, list: other })).toMatchObject({
    code: 'PEER_CHANGED',
  });
});

test('a box that its peer cannot reach fetches what the peer offers, as a user without rights', async () => {
  const outbox = join(place(peer.host), 'outbox');
  await mkdir(outbox, { recursive: true, mode: 0o700 });
  const file = await makeFile('4-1.tar.zst.age', 30 * MB);
  await must(['cp', file.path, join(outbox, file.name)]);
  expect(await drive(peer.host, { folder: peer.folder, offer: outbox })).toHaveProperty('done');
  await listen();
  const grant = { id: peer.id, quota: 1e9, protectedSeconds: 86_400 };
  // it offers nothing itself; this prepares its side
  await drive(box.host, { folder: box.folder, offer: join(box.folder, 'none'), admit: [grant] });

  expect(await drive(box.host, { folder: box.folder, take: toPeer })).toEqual({
    done: { files: 1, bytes: file.size },
  });

  const kept = join(box.folder, 'peers', peer.id, file.name);
  expect(
    createHash('sha256')
      .update(await readFile(kept))
      .digest('hex'),
  ).toBe(file.sha256);
  expect((await must(['stat', '-c', '%U %a', kept])).trim()).toBe(`${USER} 600`);
});
