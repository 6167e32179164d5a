// Damage, attacks and interruptions: every one is found or survived, and earlier backups still restore. Random cases
// print their seed; MAILSERVER_FAULT_ROUNDS makes more of them.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { MailctlError } from '../../../src/errors.ts';
import { checkChain, parseManifest } from '../../../src/mesh/archive/manifest.ts';
import { type Random, randomTest } from '../../random.ts';
import { type Box, createBox, identity, recipient, treeOf, verify } from './box.ts';

const ROUNDS = Number(process.env.MAILSERVER_FAULT_ROUNDS ?? 4);
const WORKER = join(import.meta.dir, 'worker.ts');

let box: Box;
let alice: string;

beforeEach(() => {
  box = createBox();
  alice = box.maildir('example.com/alice');
});
afterEach(() => box.remove());

const between = (random: Random, from: number, to: number) =>
  from + Math.floor(random() * (to - from));

const pick = <T>(random: Random, list: readonly T[]): T => {
  const one = list[between(random, 0, list.length)];
  if (one === undefined) throw new Error('an empty list');
  return one;
};

/** Words and random bytes, as mail is. */
function fill(maildir: string, count: number, random: Random): string[] {
  return Array.from({ length: count }, (_, n) => {
    const bytes = Buffer.from(
      Array.from({ length: between(random, 10, 3000) }, () => between(random, 0, 256)),
    );
    return box.deliver(maildir, `Subject: ${n}\n\n${bytes.toString('base64')}`);
  });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (error instanceof MailctlError) return error.code;
    throw error;
  }
}

/** Two backups; the folder's tree after each. */
async function twoBackups(random: Random) {
  const names = fill(alice, 40, random);
  const first = await box.backup();
  const before = treeOf(box.mail);
  for (const name of names.slice(0, 10)) box.flag(alice, name, 'S');
  rmSync(join(alice, names[20] ?? ''));
  fill(alice, 20, random);
  const second = await box.backup();
  return { first: first.manifest, second: second.manifest, before, after: treeOf(box.mail) };
}

randomTest('one changed bit in an archive is found before anything is restored', async (random) => {
  const { second } = await twoBackups(random);
  for (let round = 0; round < ROUNDS; round += 1) {
    const name = pick(random, [...second.archives, ...second.needs]).name;
    const path = join(box.outbox, name);
    const bytes = readFileSync(path);
    const at = between(random, 0, bytes.length);
    const changed = Buffer.from(bytes);
    changed[at] = (bytes[at] ?? 0) ^ (1 << between(random, 0, 8));
    writeFileSync(path, changed);

    expect(await codeOf(box.restore(second))).toBe('ARCHIVE_INVALID');
    writeFileSync(path, bytes);
  }
  await box.restore(second);
});

randomTest('one changed bit in a manifest is found', async (random) => {
  await twoBackups(random);
  const name = '2.manifest.json';
  const bytes = readFileSync(join(box.outbox, name));
  for (let round = 0; round < ROUNDS * 20; round += 1) {
    const changed = Buffer.from(bytes);
    // the last byte is the end of the line, which is not part of the JSON text
    const at = between(random, 0, bytes.length - 1);
    changed[at] = (bytes[at] ?? 0) ^ (1 << between(random, 0, 7));

    expect(() => parseManifest(name, changed.toString('utf8'), verify)).toThrow(MailctlError);
  }
});

randomTest('an archive that is cut short, swapped or missing is found', async (random) => {
  const { second } = await twoBackups(random);
  const [one = '', other = ''] = [...second.needs, ...second.archives].map(({ name }) => name);
  const save = join(box.base, 'saved');
  const faults: [string, () => void][] = [
    ['cut short', () => truncateSync(join(box.outbox, one), between(random, 0, 200))],
    ['swapped', () => copyFileSync(join(box.outbox, other), join(box.outbox, one))],
    ['missing', () => rmSync(join(box.outbox, one))],
    [
      'a folder',
      () => {
        rmSync(join(box.outbox, one));
        mkdirSync(join(box.outbox, one));
      },
    ],
  ];
  copyFileSync(join(box.outbox, one), save);
  for (const [fault, make] of faults) {
    make();
    expect([fault, await codeOf(box.restore(second))]).toEqual([fault, 'ARCHIVE_INVALID']);
    rmSync(join(box.outbox, one), { recursive: true, force: true });
    copyFileSync(save, join(box.outbox, one));
  }
  await box.restore(second);
});

randomTest('a replayed manifest and a repeated sequence are found', async (random) => {
  await twoBackups(random);
  const text = (n: number) => readFileSync(join(box.outbox, `${n}.manifest.json`), 'utf8');
  const first = parseManifest('1.manifest.json', text(1), verify);
  const second = parseManifest('2.manifest.json', text(2), verify);
  const forged = { manifest: { ...second.manifest, parent: 'f'.repeat(64) }, digest: 'other' };

  expect(() => parseManifest('2.manifest.json', text(1), verify)).toThrow('is the one of backup 1');
  expect(() => parseManifest('1.manifest.json', text(1), () => false)).toThrow('is not signed by');
  expect(checkChain([second, first])).toEqual([]);
  expect(checkChain([first, second, forged])).toContain('there are two different backups 2');
  expect(checkChain([first, forged])).toEqual([
    'backup 2 does not follow the backup 1 that is there',
  ]);
});

test('another recovery key opens nothing', async () => {
  box.deliver(alice, 'secret');
  const { manifest } = await box.backup();
  const { generateX25519Identity } = await import('age-encryption');
  const { openListing } = await import('../../../src/mesh/archive/listing.ts');
  const files = { manifest, folder: box.outbox, identities: [await generateX25519Identity()] };

  expect(await codeOf(openListing(box.host, files, join(box.base, 'list.db')))).toBe(
    'RECOVERY_KEY_WRONG',
  );
  expect(existsSync(join(box.base, 'list.db'))).toBe(false);
});

function order(change: Record<string, unknown> = {}): string {
  const { folder, mail } = box;
  return JSON.stringify({ folder, mail, recipient, identity, ...change });
}

const start = (verb: string, text: string) =>
  Bun.spawn([process.execPath, WORKER, verb, text], { stdout: 'pipe', stderr: 'inherit' });

/** Kills the worker some time after it has begun. */
async function runKilled(verb: string, text: string, milliseconds: number): Promise<void> {
  const child = start(verb, text);
  await child.stdout.getReader().read();
  await Bun.sleep(milliseconds);
  child.kill('SIGKILL');
  await child.exited;
}

randomTest(
  'a backup killed at any moment leaves the earlier ones, and the next run goes on',
  async (random) => {
    fill(alice, 60, random);
    const { manifest } = await box.backup();
    const before = treeOf(box.mail);
    for (let round = 0; round < ROUNDS; round += 1) {
      fill(alice, 150, random);
      await runKilled('backup', order(), random() * 150);

      expect(treeOf(join(await box.restore(manifest), 'mail'))).toEqual(before);
    }
    const { manifest: last } = await box.backup();

    expect(treeOf(join(await box.restore(last), 'mail'))).toEqual(treeOf(box.mail));
    const kept = new Set(
      Array.from({ length: last.sequence }, (_, n) => box.manifest(n + 1)).flatMap((one) =>
        one.archives.map(({ name }) => name),
      ),
    );
    expect(
      readdirSync(box.outbox).filter((name) => name.endsWith('.age') && !kept.has(name)),
    ).toEqual([]);
  },
  120_000,
);

randomTest(
  'a restore killed at any moment goes on when it is repeated',
  async (random) => {
    fill(alice, 400, random);
    const { manifest } = await box.backup();
    const target = join(box.base, 'again');
    const text = order({ sequence: manifest.sequence, target });
    for (let round = 0; round < ROUNDS; round += 1)
      await runKilled('restore', text, random() * 120);

    expect(await start('restore', text).exited).toBe(0);
    expect(treeOf(join(target, 'mail'))).toEqual(treeOf(box.mail));
  },
  120_000,
);

test('a second backup at the same time ends with LOCKED', async () => {
  for (let n = 0; n < 200; n += 1) box.deliver(alice, `message ${n}`);

  const codes = await Promise.all([codeOf(box.backup()), codeOf(box.backup())]);

  expect(codes.sort()).toEqual(['LOCKED', 'none']);
});

test('a damaged or missing index makes the next backup a complete one, and the chain goes on', async () => {
  box.deliver(alice, 'one');
  const first = await box.backup();
  const damage: [string, () => void][] = [
    [
      'damaged',
      () => writeFileSync(join(box.folder, 'index.db'), 'no database, but longer than 16'),
    ],
    ['missing', () => rmSync(join(box.folder, 'index.db'))],
  ];
  let parent = first.manifest;
  for (const [, make] of damage) {
    make();
    const { made, manifest } = await box.backup();

    expect([made, manifest.sequence, manifest.needs]).toEqual([true, parent.sequence + 1, []]);
    expect(treeOf(join(await box.restore(manifest), 'mail'))).toEqual(treeOf(box.mail));
    parent = manifest;
  }
  const texts = [1, 2, 3].map((n) =>
    parseManifest(
      `${n}.manifest.json`,
      readFileSync(join(box.outbox, `${n}.manifest.json`), 'utf8'),
      verify,
    ),
  );
  expect(checkChain(texts)).toEqual([]);
});

test('a manifest that a kill kept from being written is written by the next run', async () => {
  box.deliver(alice, 'one');
  await box.backup();
  const path = join(box.outbox, '1.manifest.json');
  const text = readFileSync(path, 'utf8');
  rmSync(path);

  const { made } = await box.backup();

  expect(made).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('a required folder that is missing is no deletion', async () => {
  box.deliver(alice, 'one');
  await box.backup();
  renameSync(box.mail, `${box.mail}.away`);

  expect(await codeOf(box.backup())).toBe('FILE_FAILED');
  renameSync(`${box.mail}.away`, box.mail);
  expect((await box.backup()).made).toBe(false);
});

test('contents of lost archives are stored again', async () => {
  const random = () => 0.5;
  const { second, after } = await twoBackups(random);
  const lost = [...second.needs, ...second.archives].map(({ name }) => name);
  const { manifest } = await box.backup({ lost });
  for (const name of lost) rmSync(join(box.outbox, name));

  expect(manifest.needs).toEqual([]);
  expect(treeOf(join(await box.restore(manifest), 'mail'))).toEqual(after);
});

test.each([['1970-01-01T00:10:00Z'], ['2001-01-01T00:00:00Z'], ['2099-01-01T00:00:00Z']])(
  'with a clock at %s every change is saved',
  async (time) => {
    box.remove();
    box = createBox({
      host: (real) => ({ ...real, clock: { ...real.clock, now: () => new Date(time) } }),
    });
    alice = box.maildir('example.com/alice');
    const name = box.deliver(alice, 'one');
    await box.backup();
    box.flag(alice, name, 'S');
    box.deliver(alice, 'two');
    const { manifest } = await box.backup();

    expect(treeOf(join(await box.restore(manifest), 'mail'))).toEqual(treeOf(box.mail));
  },
);

const rooted = test.skipIf(process.geteuid?.() !== 0);

rooted('a full disk in staging ends with FILE_FAILED, and the next run goes on', async () => {
  mkdirSync(box.folder);
  const mount = ['mount', '-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', box.folder];
  if (Bun.spawnSync(mount).exitCode !== 0) throw new Error('tmpfs cannot be mounted here');
  try {
    box.deliver(alice, 'small');
    const first = await box.backup();
    const before = treeOf(box.mail);
    const noise = crypto.getRandomValues(new Uint8Array(60_000));
    const names = Array.from({ length: 20 }, (_, n) => {
      noise[n] = n;
      return box.deliver(alice, Buffer.from(noise.map((byte) => byte ^ n)));
    });

    expect(await codeOf(box.backup())).toBe('FILE_FAILED');
    expect(readdirSync(box.outbox).sort()).toEqual([
      '1-0.tar.zst.age',
      '1-1.tar.zst.age',
      '1.manifest.json',
    ]);
    expect(treeOf(join(await box.restore(first.manifest), 'mail'))).toEqual(before);
    for (const name of names.slice(3)) rmSync(join(alice, name));
    const { manifest } = await box.backup();
    expect(treeOf(join(await box.restore(manifest), 'mail'))).toEqual(treeOf(box.mail));
  } finally {
    Bun.spawnSync(['umount', box.folder]);
  }
});
