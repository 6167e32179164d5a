// A real S3-compatible server (s3rver from npm) on the loopback, with signed requests and files on a disk.

import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
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
import { type Bucket, openBucket } from '../../../src/host/s3.ts';
import { openBucketStore } from '../../../src/mesh/peers/bucket-store.ts';
import { isProved, makeChallenges } from '../../../src/mesh/peers/challenges.ts';
import { parseCredentials, readBucketCredentials } from '../../../src/mesh/peers/credentials.ts';

const KEYS = { accessKey: 'S3RVER', secretKey: 'S3RVER' };
const SERVER = join(import.meta.dir, 's3-server.mjs');

let root: string;
let host: Host;
let server: Bun.Subprocess<'ignore', 'pipe', 'inherit'>;
let endpoint: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'mailctl-s3-'));
  host = createHost({ root, env: {}, say: () => undefined });
  mkdirSync(join(root, 'bucket'));
  server = Bun.spawn(['node', SERVER, join(root, 'bucket')], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const { value } = await server.stdout.getReader().read();
  endpoint = `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`;
});
afterAll(() => {
  server.kill();
  rmSync(root, { recursive: true });
});

const options = () => ({ ...KEYS, bucket: 'backups', endpoint, region: 'us-east-1' });
const place = { place: 's3://backups/mail', prefix: `mail/${'ab'.repeat(32)}/` };

let bucket: Bucket;
beforeEach(async () => {
  bucket = await openBucket(options());
  await bucket.remove((await bucket.list('')).map(({ key }) => key));
});
const store = () => openBucketStore(host, bucket, place);

function file(name: string, bytes: Uint8Array) {
  writeFileSync(join(root, name), bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, path: `/${name}`, size: bytes.length, sha256 };
}

test('a file that is put is listed, proved, read and got back', async () => {
  const bytes = randomBytes(300_000);
  const one = file('1-1.tar.zst.age', bytes);
  await store().put(one);
  await store().put(one);
  const part = join(root, 'back.part');
  writeFileSync(part, bytes.subarray(0, 100_000));

  await store().get(one, '/back');

  expect(await store().list()).toMatchObject([{ name: one.name, size: bytes.length }]);
  expect(Buffer.compare(readFileSync(join(root, 'back')), bytes)).toBe(0);
  expect(Buffer.compare(await store().read(one.name, 300_000), bytes)).toBe(0);
  const [challenge] = await makeChallenges(host, one, 1);
  expect(challenge && (await isProved(store(), one.name, challenge))).toBe(true);
  expect(await store().space()).toEqual({ used: bytes.length, quota: null });
  await store().remove([one.name, 'missing']);
  expect(await store().list()).toEqual([]);
});

test('a large file goes in parts, and an interrupted upload goes on with the parts that are missing', async () => {
  const bytes = randomBytes(40 * 1024 * 1024);
  const one = file('2-1.tar.zst.age', bytes);
  const sent: number[] = [];
  const breaking: Bucket = {
    ...bucket,
    putPart: (key, part) => {
      sent.push(part.number);
      if (sent.length === 2) throw new Error('killed');
      return bucket.putPart(key, part);
    },
  };
  const interrupted = openBucketStore(host, breaking, place);

  await expect(interrupted.put(one)).rejects.toThrow('killed');
  await interrupted.put(one);
  await store().get(one, '/large');

  expect(sent).toEqual([1, 2, 2, 3]);
  expect(readdirSync(root).filter((name) => name.endsWith('.upload'))).toEqual([]);
  expect(Buffer.compare(readFileSync(join(root, 'large')), bytes)).toBe(0);
}, 60_000);

test('an upload that the store has forgotten is begun anew', async () => {
  const bytes = randomBytes(17 * 1024 * 1024);
  const one = file('4-1.tar.zst.age', bytes);
  const broken: Bucket = { ...bucket, completeUpload: () => Promise.reject(new Error('killed')) };
  await expect(openBucketStore(host, broken, place).put(one)).rejects.toThrow('killed');
  const forgetful: Bucket = { ...bucket, putPart: async () => null };
  const note = readdirSync(root).find((name) => name.endsWith('.upload')) ?? '';
  writeFileSync(join(root, note), JSON.stringify({ id: 'gone', tags: [] }));

  await expect(openBucketStore(host, forgetful, place).put(one)).rejects.toMatchObject({
    code: 'PEER_REFUSED',
  });
  await store().put(one);

  expect(await store().list()).toMatchObject([{ name: one.name, size: bytes.length }]);
}, 60_000);

test('changed content, another file of the same name, and too much are refused', async () => {
  const bytes = randomBytes(1000);
  const one = file('3-1.tar.zst.age', bytes);
  await bucket.put(`${place.prefix}${one.name}`, randomBytes(1000), {});

  await expect(store().put(one)).rejects.toMatchObject({ code: 'PEER_REFUSED' });
  await expect(store().get(one, '/x')).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  await expect(store().read(one.name, 999)).rejects.toMatchObject({ code: 'PEER_REFUSED' });
  await expect(store().read('missing', 999)).rejects.toMatchObject({ code: 'PEER_REFUSED' });
});

test('wrong credentials are refused, and are not in the error', async () => {
  const keys = { accessKey: 'not-the-key', secretKey: 'not-the-secret' };
  const wrong = await openBucket({ ...options(), ...keys });

  const failure = await wrong.list('').then(
    () => null,
    (error: Error & { code: string }) => error,
  );

  expect(failure?.code).toBe('PEER_REFUSED');
  expect(failure?.message).not.toMatch(/not-the-(?:key|secret)/);
});

test('a bucket that is missing is refused, and a store that is gone is away', async () => {
  const missing = await openBucket({ ...options(), bucket: 'no-such-bucket' });
  await expect(missing.list('')).rejects.toMatchObject({ code: 'PEER_REFUSED' });

  const gone = await openBucket({ ...options(), endpoint: 'http://127.0.0.1:1' });
  await expect(gone.list('')).rejects.toMatchObject({ code: 'PEER_AWAY' });
});

test.each([
  [
    '[default]\naws_access_key_id = A\naws_secret_access_key=b+/=\n',
    { accessKey: 'A', secretKey: 'b+/=' },
  ],
  ['aws_access_key_id=A\n', null],
  ['aws_access_key_id=A\naws_access_key_id=B\naws_secret_access_key=c\n', null],
  ['', null],
])('the credentials %j are %j', (text, expected) => {
  expect(parseCredentials(text)).toEqual(expected);
});

test('credentials that others can read are refused', async () => {
  writeFileSync(join(root, 'keys'), 'aws_access_key_id=A\naws_secret_access_key=b\n');
  chmodSync(join(root, 'keys'), 0o640);

  await expect(readBucketCredentials(host, '/keys')).rejects.toMatchObject({
    code: 'DATA_INVALID',
    message: 'the credentials file /keys has the mode 640',
    hint: 'chmod 600 /keys',
  });
  chmodSync(join(root, 'keys'), 0o600);
  expect(await readBucketCredentials(host, '/keys')).toEqual({ accessKey: 'A', secretKey: 'b' });
  await expect(readBucketCredentials(host, '/none')).rejects.toMatchObject({
    code: 'DATA_INVALID',
  });
});
