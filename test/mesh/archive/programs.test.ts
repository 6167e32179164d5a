// The archives are files that age, zstd and tar open: the README's recovery by hand, with the programs of Debian.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backupToFile, unpackFile } from '../../../src/mesh/archive/bundle.ts';
import { type Box, createBox, identity, treeOf, verify } from './box.ts';

let box: Box;
let alice: string;

beforeEach(() => {
  box = createBox();
  alice = box.maildir('example.com/alice');
  writeFileSync(join(box.base, 'recovery-key'), `${identity}\n`);
});
afterEach(() => box.remove());

/** Runs a line of shell, as somebody without mailctl would. */
function shell(line: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(['bash', '-o', 'pipefail', '-c', line], {
    cwd: box.base,
  });
  if (exitCode !== 0) throw new Error(`${line}: ${stderr}`);
  return stdout.toString();
}

const open = (archive: string) => `age -d -i recovery-key ${archive} | zstd -dq`;

test('age, zstd and tar give the tree of a first backup, long names and links included', async () => {
  const long = box.maildir(`example.com/alice/.${'Folder with a long name '.repeat(8)}`);
  box.flag(alice, box.deliver(alice, 'one'), 'S');
  box.deliver(long, 'x'.repeat(3_000_000));
  box.deliver(long, '');
  symlinkSync('sieve/main.sieve', join(alice, '.dovecot.sieve'));
  await box.backup();
  mkdirSync(join(box.base, 'out'));

  shell(`${open('mesh/outbox/1-1.tar.zst.age')} | tar -xpf - -C out`);

  const tree = (folder: string) =>
    Object.entries(treeOf(folder)).filter(([, entry]) => !entry.startsWith('folder'));
  expect(tree(join(box.base, 'out/mail'))).toEqual(tree(box.mail));
});

test('the list in JSON lines says where the content of each entry is', async () => {
  const name = box.deliver(alice, 'one');
  await box.backup();
  const now = box.flag(alice, name, 'FS');
  await box.backup();

  const list = shell(`${open('mesh/outbox/2-0.tar.zst.age')} | tar -xOf - --wildcards 'list/*'`);

  const lines = list
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.at(-1)).toMatchObject({
    message: `mail/example.com/alice/${now}`,
    in: '1-1.tar.zst.age',
    size: 3,
  });
});

test('mailctl opens what zstd and age have written', async () => {
  writeFileSync(join(box.base, 'plain'), 'hello');
  const [recipient = ''] = box.options.recipients;
  shell(`zstd -q -c plain | age -r ${recipient} -o sealed`);
  let text = '';

  await box.host.sealed.read(
    { path: join(box.base, 'sealed'), identities: [identity], limit: 5 },
    (bytes) => {
      text += Buffer.from(bytes).toString();
    },
  );

  expect(text).toBe('hello');
});

test('a backup file is a tar of a manifest and archives, and restores alone', async () => {
  for (let n = 0; n < 20; n += 1) box.deliver(alice, `message ${n}`);
  const file = join(box.base, 'all.tar');
  await backupToFile(box.host, box.options, file);
  rmSync(box.folder, { recursive: true, force: true });

  expect(shell('tar -tf all.tar').trim().split('\n').sort()).toEqual([
    '1-0.tar.zst.age',
    '1-1.tar.zst.age',
    '1.manifest.json',
  ]);
  const { manifest } = await unpackFile(box.host, file, { folder: box.outbox, verify });
  expect(treeOf(join(await box.restore(manifest), 'mail'))).toEqual(treeOf(box.mail));
  expect(readdirSync(box.base)).not.toContain('all.tar.parts');
});

test('a backup file that is cut short or compressed is refused', async () => {
  box.deliver(alice, 'one');
  const file = join(box.base, 'all.tar');
  await backupToFile(box.host, box.options, file);
  const bytes = readFileSync(file);
  const outcomes = [];
  for (const [name, change] of [
    ['short.tar', bytes.subarray(0, 900)],
    ['empty.tar', new Uint8Array()],
    ['zipped.tar', Bun.gzipSync(new Uint8Array(bytes))],
  ] as const) {
    writeFileSync(join(box.base, name), change);
    const options = { folder: join(box.base, `in-${name}`), verify };
    outcomes.push(
      await unpackFile(box.host, join(box.base, name), options)
        .then(({ manifest }) => manifest.archives.length)
        .catch((error) => error.code),
    );
  }

  expect(outcomes).toEqual(['ARCHIVE_INVALID', 'ARCHIVE_INVALID', 'ARCHIVE_INVALID']);
});
