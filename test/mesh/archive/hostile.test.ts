// An archive that somebody else has made, encrypted to the recovery key and signed: nothing is written outside of the
// target, and nothing that the list does not announce.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Header } from 'tar/header';
import { MailctlError } from '../../../src/errors.ts';
import { TAR_END, type TarMember, tarHeader, tarPadding } from '../../../src/host/tar.ts';
import type { ArchiveFile, Manifest } from '../../../src/mesh/archive/manifest.ts';
import { type Box, createBox, recipient } from './box.ts';

let box: Box;

beforeEach(() => {
  box = createBox();
  mkdirSync(box.outbox, { recursive: true });
  mkdirSync(join(box.base, 'outside'));
});
afterEach(() => box.remove());

const CONTENT = 'evil';
const OWNER = { mode: 0o600, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtime: 1 };
const DIGEST = createHash('sha256').update(CONTENT).digest().subarray(0, 24).toString('base64url');

function member(path: string, content: string): Uint8Array {
  const size = Buffer.byteLength(content);
  const header: TarMember = { kind: 'file', path, size, ...OWNER };
  return Buffer.concat([tarHeader(header), Buffer.from(content), new Uint8Array(tarPadding(size))]);
}

async function seal(name: string, parts: readonly Uint8Array[]): Promise<ArchiveFile> {
  const writer = await box.host.sealed.create(join(box.outbox, name), [recipient]);
  for (const part of parts) await writer.write(part);
  return { name, ...(await writer.finish()) };
}

interface Evil {
  /** Lines of the list after its head. */
  readonly lines: readonly object[];
  readonly members?: readonly Uint8Array[];
  readonly change?: (manifest: Manifest) => Manifest;
}

async function manifestOf({ lines, members, change }: Evil): Promise<Manifest> {
  const text = [{ list: 1, sequence: 1, since: 0 }, ...lines].map((line) => JSON.stringify(line));
  const archives = [
    await seal('1-0.tar.zst.age', [member('list', `${text.join('\n')}\n`), TAR_END]),
    await seal('1-1.tar.zst.age', members ?? [member('../../outside/x', CONTENT), TAR_END]),
  ];
  const files = lines.filter((line) => 'file' in line || 'link' in line).length;
  const messages = lines.filter((line) => 'message' in line).length;
  const manifest: Manifest = {
    ...{ v: 1, box: 'x', sequence: 1, parent: null, time: '2026-01-01T00:00:00.000Z' },
    ...{ recipients: [recipient], archives, needs: [], lists: ['1-0.tar.zst.age'] },
    counts: { messages, files, bytes: 4, left_out: 0 },
  } as Manifest;
  return change?.(manifest) ?? manifest;
}

const folder = (path: string) => ({ folder: path, mode: 0o700, uid: OWNER.uid, gid: OWNER.gid });
const rest = { size: 4, ...OWNER, sha256: DIGEST, in: '1-1.tar.zst.age', at: 0 };
const file = (path: string) => ({ file: path, ...rest });

async function errorOf(evil: Evil): Promise<string> {
  try {
    await box.restore(await manifestOf(evil));
    return 'restored';
  } catch (error) {
    if (error instanceof MailctlError) return error.code;
    throw error;
  }
}

function device(): Uint8Array {
  const block = Buffer.alloc(512);
  const fields = {
    path: 'mail/null',
    type: 'CharacterDevice',
    devmaj: 1,
    devmin: 3,
    size: 0,
  } as const;
  new Header({ ...fields, mode: 0o666, mtime: new Date(0) }).encode(block);
  return block;
}

function hardLink(): Uint8Array {
  const block = Buffer.alloc(512);
  const fields = { path: 'mail/x', type: 'Link', linkpath: '/etc/passwd', size: 0 } as const;
  new Header({ ...fields, mode: 0o666, mtime: new Date(0) }).encode(block);
  return block;
}

const CASES: readonly (readonly [string, Evil])[] = [
  ['.. in a folder', { lines: [folder('..'), file('../x')] }],
  ['.. inside', { lines: [folder('mail/../..'), file('mail/../../x')] }],
  ['an absolute name', { lines: [folder('/etc'), file('/etc/evil')] }],
  ['an empty name', { lines: [folder('mail//x'), file('mail//x/y')] }],
  ['a NUL byte', { lines: [folder('mail'), file('mail/a\0b')] }],
  ['a name of 256 bytes', { lines: [folder('mail'), file(`mail/${'n'.repeat(256)}`)] }],
  ['an entry without its folder', { lines: [file('mail/x')] }],
  [
    'an entry in an unknown archive',
    { lines: [folder('mail'), { ...file('mail/x'), in: '9-9.tar.zst.age' }] },
  ],
  [
    'an entry in a file elsewhere',
    { lines: [folder('mail'), { ...file('mail/x'), in: '../../etc/shadow' }] },
  ],
  ['a member that is not there', { lines: [folder('mail'), { ...file('mail/x'), at: 7 }] }],
  ['another size', { lines: [folder('mail'), { ...file('mail/x'), size: 5 }] }],
  ['another content', { lines: [folder('mail'), { ...file('mail/x'), sha256: 'A'.repeat(32) }] }],
  ['a line of another kind', { lines: [{ execute: 'rm -rf /' }] }],
  ['a device', { lines: [folder('mail'), file('mail/x')], members: [device(), TAR_END] }],
  ['a hard link', { lines: [folder('mail'), file('mail/x')], members: [hardLink(), TAR_END] }],
  [
    'a tar that is cut short',
    { lines: [folder('mail'), file('mail/x')], members: [member('x', CONTENT)] },
  ],
  ['no tar', { lines: [folder('mail'), file('mail/x')], members: [new Uint8Array(5000).fill(65)] }],
  [
    'more content than announced',
    {
      lines: [folder('mail'), file('mail/x')],
      members: [member('x', CONTENT), new Uint8Array(50_000_000), TAR_END],
      change: (manifest) => ({
        ...manifest,
        archives: manifest.archives.map((archive) => ({ ...archive, unpacked: 4096 })),
      }),
    },
  ],
];

test.each(CASES)('an archive with %s is refused', async (_, evil) => {
  expect(await errorOf(evil)).toBe('ARCHIVE_INVALID');
  expect(readdirSync(join(box.base, 'outside'))).toEqual([]);
  expect(existsSync(join(box.base, 'x'))).toBe(false);
});

test('nothing is written through a link of the same archive', async () => {
  const to = join(box.base, 'outside');
  const lines = [
    folder('mail'),
    { link: 'mail/way', to, ...rest, size: 0 },
    folder('mail/way'),
    file('mail/way/evil'),
  ];

  expect(await errorOf({ lines })).toBe('FILE_FAILED');
  expect(readdirSync(to)).toEqual([]);
});

test('a link of an interrupted restore is not followed either', async () => {
  const to = join(box.base, 'outside');
  const manifest = await manifestOf({
    lines: [folder('mail'), folder('mail/way'), file('mail/way/evil')],
  });
  mkdirSync(join(box.base, 'restored1/mail'), { recursive: true });
  Bun.spawnSync(['ln', '-s', to, join(box.base, 'restored1/mail/way')]);

  expect(await box.restore(manifest).catch((error: MailctlError) => error.code)).toBe(
    'FILE_FAILED',
  );
  expect(readdirSync(to)).toEqual([]);
});

test('a bomb is stopped at the announced size, with flat memory', async () => {
  const zeros = new Uint8Array(4 * 1024 * 1024);
  const writer = await box.host.sealed.create(join(box.outbox, 'bomb'), [recipient]);
  for (let n = 0; n < 64; n += 1) await writer.write(zeros);
  const { size } = await writer.finish();
  let unpacked = 0;
  const { identity } = await import('./box.ts');
  const source = { path: join(box.outbox, 'bomb'), identities: [identity], limit: 1_000_000 };

  const read = box.host.sealed.read(source, (bytes) => {
    unpacked += bytes.length;
  });

  expect(read).rejects.toThrow('holds more than');
  await read.catch(() => undefined);
  expect(size).toBeLessThan(100_000);
  expect(unpacked).toBeLessThan(1_000_001);
});

test('a backup file with other things in it leaves them there', async () => {
  const { writeBundle, readBundle } = await import('../../../src/host/bundle.ts');
  writeFileSync(join(box.outbox, '1.manifest.json'), '{}');
  writeFileSync(join(box.outbox, 'authorized_keys'), 'evil');
  const path = join(box.base, 'all.tar');
  await writeBundle(box.host, box.outbox, { file: path, names: readdirSync(box.outbox) });
  const expected = (name: string) => name.endsWith('.manifest.json');

  const names = await readBundle(box.host, path, { folder: join(box.base, 'in'), expected });

  expect(names).toEqual(['1.manifest.json']);
  expect(readdirSync(join(box.base, 'in'))).toEqual(['1.manifest.json']);
  expect(readFileSync(join(box.base, 'in/1.manifest.json'), 'utf8')).toBe('{}');
});
