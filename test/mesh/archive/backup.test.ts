// Backups of a mail folder, and what comes back.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Box, createBox, PAST, sizeOf, treeOf } from './box.ts';

let box: Box;
let alice: string;

beforeEach(() => {
  box = createBox();
  alice = box.maildir('example.com/alice');
});
afterEach(() => box.remove());

/** Text that does not compress to nothing. */
const message = (seed: string, size = 4000): string =>
  `Subject: ${seed}\n\n${Buffer.from(Array.from({ length: size }, (_, n) => (Bun.hash(seed + n) as bigint) & 0xffn).map(Number)).toString('base64')}`;

test('a restored tree has every message, flag, file, link, folder, mode and time', async () => {
  const bob = box.maildir('example.com/bob/.Sent');
  box.flag(alice, box.deliver(alice, 'one'), 'S');
  box.deliver(bob, message('two'));
  writeFileSync(join(alice, 'dovecot-uidlist'), '3 V1 N3\n', { mode: 0o640 });
  writeFileSync(join(alice, 'dovecot.index'), 'derived');
  symlinkSync('sieve/main.sieve', join(alice, '.dovecot.sieve'));
  mkdirSync(join(alice, 'sieve'));
  writeFileSync(join(alice, 'sieve/main.sieve'), 'keep;');
  utimesSync(join(alice, 'sieve/main.sieve'), PAST, PAST);
  chmodSync(join(box.mail, 'example.com'), 0o2750);

  const { made, manifest } = await box.backup();
  const target = await box.restore(manifest);

  expect(made).toBe(true);
  expect(manifest.counts).toMatchObject({ messages: 2, files: 3, left_out: 0 });
  rmSync(join(alice, 'dovecot.index'));
  chmodSync(join(box.mail, 'example.com'), 0o750);
  expect(treeOf(join(target, 'mail'))).toEqual(treeOf(box.mail));
});

test('a backup without a change makes nothing', async () => {
  box.deliver(alice, 'one');
  const first = await box.backup();

  const second = await box.backup();

  expect(second.made).toBe(false);
  expect(second.manifest).toEqual(first.manifest);
  expect(readdirSync(box.outbox).sort()).toEqual([
    '1-0.tar.zst.age',
    '1-1.tar.zst.age',
    '1.manifest.json',
  ]);
});

test('a change of flags, and a move to another folder, store no content again', async () => {
  const archive = box.maildir('example.com/alice/.Archive');
  const names = Array.from({ length: 50 }, (_, n) => box.deliver(alice, message(`m${n}`)));
  const first = await box.backup();
  names.slice(0, 40).map((name) => box.flag(alice, name, 'S'));
  for (const name of names.slice(40))
    renameSync(join(alice, name), join(archive, 'cur', `moved-${name.slice(4)}:2,S`));

  const second = await box.backup();

  expect(sizeOf(second.manifest)).toBeLessThan(sizeOf(first.manifest) / 20);
  expect(treeOf(join(await box.restore(second.manifest), 'mail'))).toEqual(treeOf(box.mail));
});

test('each of many backups restores what was there when it was made', async () => {
  const trees = [];
  const names: string[] = [];
  for (let n = 0; n < 40; n += 1) {
    names.push(box.deliver(alice, message(`m${n}`, 200)));
    if (n % 3 === 1) names[n - 1] = box.flag(alice, names[n - 1] ?? '', 'RS');
    if (n % 5 === 4) rmSync(join(alice, names[n - 3] ?? ''));
    writeFileSync(join(alice, 'dovecot-uidlist'), `3 V1 N${n}\n`);
    const { manifest } = await box.backup();
    trees.push({ manifest, tree: treeOf(box.mail) });
  }

  expect(trees.at(-1)?.manifest.sequence).toBe(40);
  for (const { manifest, tree } of trees) {
    expect(manifest.needs.length).toBeLessThan(32 + 8);
    if (manifest.sequence % 7 === 0 || manifest.sequence > 37)
      expect(treeOf(join(await box.restore(manifest), 'mail'))).toEqual(tree);
  }
});

test('a large store is spread over archives, and its list stays in one', async () => {
  for (let n = 0; n < 30; n += 1) box.deliver(alice, message(`m${n}`, 2000));
  box.deliver(alice, message('larger than an archive', 20_000));
  // more than 1 MB of names
  for (let n = 0; n < 3500; n += 1) writeFileSync(join(alice, `cur/${n}${'n'.repeat(240)}`), '');

  const { manifest } = await box.backup({ partBytes: 8000 });

  expect(manifest.archives.length).toBeGreaterThan(10);
  expect(manifest.lists).toEqual(['1-0.tar.zst.age']);
  expect(treeOf(join(await box.restore(manifest), 'mail'))).toEqual(treeOf(box.mail));
}, 60_000);
