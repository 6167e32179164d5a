import { afterEach, beforeEach, expect, test } from 'bun:test';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHost, type Host } from '../../../src/host/host.ts';
import { isProved, makeChallenges } from '../../../src/mesh/peers/challenges.ts';
import { openFolder, prepareFolder } from '../../../src/mesh/peers/folder-store.ts';

const BOX = 'ab'.repeat(32);
const NAME = '1-1.tar.zst.age';
const bytes = randomBytes(2_500_000);

let root: string;
let host: Host;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'mailctl-folder-'));
  host = createHost({ root, env: {}, say: () => undefined });
  mkdirSync(join(root, 'usb'));
  writeFileSync(join(root, 'local'), bytes);
  await prepareFolder(host, '/usb', BOX);
});
afterEach(() => rmSync(root, { recursive: true }));

const sha256 = createHash('sha256').update(bytes).digest('hex');
const file = { name: NAME, path: '/local', size: bytes.length, sha256 };
const held = (...parts: string[]) => join(root, 'usb', BOX, ...parts);
const store = () => openFolder(host, '/usb', BOX);

test('a file that is put is listed, proved, read and got back', async () => {
  await store().put(file);
  await store().put(file);
  await store().get(file, '/back');

  expect(await store().list()).toMatchObject([{ name: NAME, size: bytes.length }]);
  expect(Buffer.compare(readFileSync(join(root, 'back')), bytes)).toBe(0);
  expect(await store().read(NAME, bytes.length)).toEqual(bytes);
  expect(await store().space()).toEqual({ used: bytes.length, quota: null });
  await expect(store().read(NAME, 100)).rejects.toMatchObject({ code: 'PEER_REFUSED' });
});

test('an interrupted copy goes on, and a part of another file or with wrong bytes is removed', async () => {
  writeFileSync(held(`${NAME}.${sha256.slice(0, 8)}.part`), bytes.subarray(0, 1_000_000));
  writeFileSync(held('0-1.tar.zst.age.12345678.part'), 'left');
  const steps: number[] = [];

  await store().put(file, (sent) => steps.push(sent));

  expect(steps[0]).toBeGreaterThan(1_000_000);
  expect(readdirSync(held())).toEqual([NAME]);
  await store().remove([NAME]);
  writeFileSync(held(`${NAME}.${sha256.slice(0, 8)}.part`), randomBytes(1_000_000));
  await expect(store().put(file)).rejects.toMatchObject({ code: 'PEER_REFUSED' });
  await store().put(file);
  expect(Buffer.compare(readFileSync(held(NAME)), bytes)).toBe(0);
});

test('a disk that is not mounted is away, and nothing is written where it would be', async () => {
  rmSync(join(root, 'usb', BOX), { recursive: true });

  const attempts = [
    () => store().put(file),
    () => store().list(),
    () => store().space(),
    () => store().remove([NAME]),
  ];
  for (const attempt of attempts) {
    await expect(attempt()).rejects.toMatchObject({ code: 'PEER_AWAY' });
  }
  expect(readdirSync(join(root, 'usb'))).toEqual([]);
  rmSync(join(root, 'usb'), { recursive: true });
  await expect(prepareFolder(host, '/usb', BOX)).rejects.toMatchObject({ code: 'PEER_AWAY' });
  expect(existsSync(join(root, 'usb'))).toBe(false);
});

test('another file of the same name is not replaced', async () => {
  writeFileSync(held(NAME), 'other');

  await expect(store().put(file)).rejects.toMatchObject({ code: 'PEER_REFUSED' });
  expect(readFileSync(held(NAME), 'utf8')).toBe('other');
});

test('changed and shortened files are found by get and by challenges', async () => {
  await store().put(file);
  const challenges = await makeChallenges(host, { path: '/local', size: bytes.length }, 40);
  const outcomes = async () => {
    const found = [];
    for (const one of challenges) found.push(await isProved(store(), NAME, one));
    return new Set(found);
  };
  expect(await outcomes()).toEqual(new Set([true]));

  const changed = Buffer.from(bytes);
  for (let at = 0; at < changed.length; at += 1000) changed[at] = (changed[at] ?? 0) ^ 1;
  for (const content of [changed, bytes.subarray(0, 1000)]) {
    writeFileSync(held(NAME), content);
    await expect(store().get(file, '/back')).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(existsSync(join(root, 'back'))).toBe(false);
    expect(await outcomes()).toEqual(new Set([false]));
  }
});

test('there is no challenge about an empty file', async () => {
  expect(await makeChallenges(host, { path: '/local', size: 0 }, 3)).toEqual([]);
});
