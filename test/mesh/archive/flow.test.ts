// Mail keeps flowing while it is backed up, names are odd, and the container's root is hostile.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { openListing } from '../../../src/mesh/archive/listing.ts';
import type { Manifest } from '../../../src/mesh/archive/manifest.ts';
import { type Box, createBox, identity, treeOf } from './box.ts';

let box: Box;
let alice: string;

beforeEach(() => {
  box = createBox();
  alice = box.maildir('example.com/alice');
});
afterEach(() => box.remove());

const SECRET = 'a secret of the host';

/** Contents of the messages in a restored mail folder; links are not followed. */
function contentsIn(folder: string): string[] {
  const find = [
    'find',
    folder,
    '-type',
    'f',
    '(',
    '-path',
    '*/cur/*',
    '-o',
    '-path',
    '*/new/*',
    ')',
  ];
  const paths = Bun.spawnSync([...find, '-print0'])
    .stdout.toString()
    .split('\0');
  return paths
    .filter((path) => path !== '')
    .map((path) => readFileSync(path, 'utf8'))
    .sort();
}

/** Runs a shell script in a loop until `work` has ended. */
async function during<T>(script: string, work: () => Promise<T>): Promise<T> {
  const stop = join(box.base, 'stop');
  const loop = `echo go; while [ ! -e '${stop}' ]; do ${script}; done`;
  const child = Bun.spawn(['sh', '-c', loop], {
    stdout: 'pipe',
    stderr: 'ignore',
    cwd: box.mail,
  });
  await child.stdout.getReader().read();
  try {
    return await work();
  } finally {
    writeFileSync(stop, '');
    await child.exited;
    rmSync(stop);
  }
}

async function leftOut(manifest: Manifest): Promise<string[]> {
  const files = { manifest, folder: box.outbox, identities: [identity] };
  const listing = await openListing(box.host, files, join(box.base, 'list.db'));
  listing.index.close();
  return listing.leftOut.map(({ path, reason }) => `${path}: ${reason}`).sort();
}

test('messages whose flags change and that move meanwhile are all there, once or twice', async () => {
  box.maildir('example.com/alice/.Archive');
  const wanted: string[] = [];
  for (let n = 0; n < 400; n += 1) {
    wanted.push(`message ${n} ${'x'.repeat(n)}`);
    box.flag(alice, box.deliver(alice, wanted[n] ?? ''), 'S');
  }
  const script = `for f in example.com/alice/cur/*:2,S; do mv "$f" "\${f%:2,S}:2,FS"; done
    for f in example.com/alice/cur/*:2,FS; do mv "$f" "\${f%:2,FS}:2,S"; done
    for f in example.com/alice/cur/*7.M*; do mv "$f" example.com/alice/.Archive/cur/; done
    for f in example.com/alice/.Archive/cur/*; do mv "$f" example.com/alice/cur/; done`;

  for (let round = 0; round < 3; round += 1) {
    const { manifest } = await during(script, () => box.backup());
    const found = new Set(contentsIn(await box.restore(manifest)));

    expect(wanted.filter((content) => !found.has(content))).toEqual([]);
  }
}, 60_000);

test('mail that is delivered during a backup is in it or in the next one', async () => {
  for (let n = 0; n < 300; n += 1) box.deliver(alice, `early ${n}`);
  const script = `i=$((i+1)); echo "late $i" >example.com/alice/tmp/late$i; mv example.com/alice/tmp/late$i example.com/alice/new/`;

  const during1 = await during(script, () => box.backup());
  const { manifest } = await box.backup();
  // an unfinished delivery is no mail
  rmSync(join(alice, 'tmp'), { recursive: true });
  mkdirSync(join(alice, 'tmp'));

  expect(during1.manifest.counts.messages).toBeGreaterThanOrEqual(300);
  expect(treeOf(join(await box.restore(manifest), 'mail'))).toEqual(treeOf(box.mail));
});

test('a mailbox that is deleted during a backup stops nothing', async () => {
  const bob = box.maildir('example.com/bob');
  for (let n = 0; n < 300; n += 1) box.deliver(bob, `message ${n}`);
  box.deliver(alice, 'stays');
  await during('rm -rf example.com/bob; sleep 1', () => box.backup());

  const { manifest } = await box.backup();

  expect(contentsIn(await box.restore(manifest))).toEqual(['stays']);
});

test('a file that changes all the time is saved as it was at one moment, or named', async () => {
  writeFileSync(join(alice, 'dovecot-uidlist'), 'x');
  const script = `for c in a b; do head -c 300000 /dev/zero | tr '\\0' $c >example.com/alice/uid.new; mv example.com/alice/uid.new example.com/alice/dovecot-uidlist; done`;
  const { manifest } = await during(script, () => box.backup());
  const restored = join(await box.restore(manifest), 'mail/example.com/alice/dovecot-uidlist');

  if (existsSync(restored)) {
    const content = readFileSync(restored, 'utf8');
    expect(new Set(content).size).toBe(1);
    expect([1, 300_000]).toContain(content.length);
  } else expect((await leftOut(manifest)).join()).toContain('it changed each time it was read');
});

test('names with line breaks, 255 bytes, percent signs and bytes that are no UTF-8 come back', async () => {
  const names = [
    'line\nbreak',
    'n'.repeat(255),
    '100%41',
    'ümläut:2,S',
    ' leading and trailing ',
    '-rf',
    'a\\b"c\'d',
    ':2,S',
  ];
  for (const [n, name] of names.entries()) writeFileSync(join(alice, 'cur', name), `content ${n}`);
  const raw = Buffer.concat([
    Buffer.from(join(alice, 'cur/raw-')),
    Buffer.from([0xff, 0xfe, 0x0a]),
  ]);
  writeFileSync(raw, 'raw');
  mkdirSync(join(alice, `.folder with\nline break`));

  const { manifest } = await box.backup();
  const target = await box.restore(manifest);

  const bytesOf = (folder: string) =>
    readdirSync(folder, { encoding: 'buffer' })
      .map((name) => name.toString('hex'))
      .sort();
  const cur = 'mail/example.com/alice/cur';
  expect(bytesOf(join(target, cur))).toEqual(bytesOf(join(alice, 'cur')));
  expect(existsSync(join(target, 'mail/example.com/alice/.folder with\nline break'))).toBe(true);
  expect(manifest.counts).toMatchObject({ messages: 9, left_out: 0 });
  expect((await box.backup()).made).toBe(false);
});

test('two messages with one base name are both saved', async () => {
  writeFileSync(join(alice, 'cur/one:2,S'), 'first');
  writeFileSync(join(alice, 'cur/one:2,'), 'second');
  writeFileSync(join(alice, 'new/one'), 'third');
  await box.backup();
  rmSync(join(alice, 'cur/one:2,'));
  const { manifest } = await box.backup();

  expect(contentsIn(await box.restore(box.manifest(1)))).toEqual(['first', 'second', 'third']);
  expect(contentsIn(await box.restore(manifest))).toEqual(['first', 'third']);
});

test('links and devices that the container plants are never followed', async () => {
  const secret = join(box.base, 'secret');
  mkdirSync(secret);
  writeFileSync(join(secret, 'key'), SECRET);
  box.deliver(alice, 'mail');
  symlinkSync(join(secret, 'key'), join(alice, 'cur/linked:2,S'));
  symlinkSync(secret, join(box.mail, 'example.com/carol'));
  const dave = join(box.mail, 'example.com/dave');
  mkdirSync(join(dave, 'new'), { recursive: true });
  symlinkSync(secret, join(dave, 'cur'));
  Bun.spawnSync(['mkfifo', join(alice, 'cur/fifo'), join(alice, 'pipe')]);

  const { manifest } = await box.backup();
  const target = await box.restore(manifest);

  expect(await leftOut(manifest)).toEqual([
    'mail/example.com/alice/cur/fifo: it is no regular file',
    'mail/example.com/alice/cur/linked:2,S: it is no regular file',
    'mail/example.com/alice/pipe: it is no file, folder or link',
  ]);
  const found = Bun.spawnSync(['grep', '-r', SECRET, target]);
  expect(found.stdout.toString()).toBe('');
  expect(contentsIn(target)).toEqual(['mail']);
});

test('a folder that turns into a link during the walk is never followed', async () => {
  const secret = join(box.base, 'secret/cur');
  mkdirSync(secret, { recursive: true });
  mkdirSync(join(box.base, 'secret/new'));
  for (let n = 0; n < 20; n += 1) writeFileSync(join(secret, `key${n}`), `${SECRET} ${n}`);
  for (let n = 0; n < 50; n += 1) box.maildir(`example.com/user${n}`);
  for (let n = 0; n < 50; n += 1) box.deliver(join(box.mail, `example.com/user${n}`), `mail ${n}`);
  renameSync(join(box.mail, 'example.com/user25'), join(box.base, 'user25'));
  const at = join(box.mail, 'example.com/user25');
  const script = `ln -sn ${box.base}/secret ${at}; rm ${at}; mv ${box.base}/user25 ${at}; mv ${at} ${box.base}/user25`;

  for (let round = 0; round < 5; round += 1) {
    const { manifest } = await during(script, () => box.backup());
    const target = await box.restore(manifest);

    expect(Bun.spawnSync(['grep', '-r', SECRET, target]).stdout.toString()).toBe('');
  }
}, 60_000);
