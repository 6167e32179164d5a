// The image recipe and the built image. The test that builds twice takes minutes and runs only with REPRODUCIBLE=1
// (npm run test:image).

import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureImage } from '../../scripts/image.ts';
import { parseImageManifest } from '../../src/appliance/container/image-manifest.ts';
import { ids } from '../../src/appliance/ids.ts';
import { must, run } from '../system/lab/programs.ts';

const RECIPE = join(import.meta.dir, '../../lxc-template');
const BUILD = join(RECIPE, 'build');
const TARGET_BYTES = 85_000_000;
const WEB_TARGET_BYTES = 75_000_000;

const entries = (name: string, folder = 'mail'): string[] =>
  readFileSync(join(RECIPE, folder, name), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));

describe('the recipe', () => {
  test.each([
    ['mail', 'packages'],
    ['mail', 'packages-antivirus'],
    ['web', 'packages'],
  ])('%s/%s gives a reason for each package', (folder, list) => {
    for (const line of entries(list, folder)) expect(line).toMatch(/^[a-z0-9.+-]+ +# \S/);
  });

  test('creates the system accounts that mailctl expects', () => {
    const made = [...entries('ids'), ...entries('ids', 'web')].map((line) => line.split(/\s+/));
    const expected = Object.entries(ids).filter(([name]) => name !== 'root');
    const byName = (rows: readonly (readonly unknown[])[]) =>
      new Map(rows.map(([name, id]) => [name, id]));
    expect(byName(made.map(([name, number]) => [name, Number(number)]))).toEqual(
      byName(expected.map(([name, { gid }]) => [name, gid])),
    );
  });

  test('passes shellcheck', async () => {
    expect(await must(['shellcheck', BUILD])).toBe('');
  });

  test.each([
    [['--arch', 'mips'], '--arch is amd64 or arm64'],
    [['--variant', 'huge'], '--variant is standard, antivirus or web'],
    [['--output'], 'wants a value'],
    [['surprise'], "unknown word 'surprise'"],
  ])('refuses %j with status 64 and the reason', async (words, sentence) => {
    const { status, stderr } = await run(['sh', BUILD, ...words]);
    expect(status).toBe(64);
    expect(stderr).toContain(sentence);
  });

  test('has a different hash for each architecture and variant', async () => {
    const hash = (...words: string[]) => must(['sh', BUILD, '--hash', ...words]);
    const hashes = await Promise.all([
      hash('--arch', 'amd64'),
      hash('--arch', 'arm64'),
      hash('--arch', 'amd64', '--variant', 'antivirus'),
      hash('--arch', 'amd64', '--variant', 'web'),
    ]);
    expect(new Set(hashes).size).toBe(4);
  });
});

describe('the image', () => {
  test('matches its manifest and stays within its size limit', async () => {
    const image = await ensureImage();
    const file = image.replace('.squashfs', '.manifest.json');
    const manifest = parseImageManifest(readFileSync(file, 'utf8'), file);

    expect((await must(['sha256sum', image])).split(' ')[0]).toBe(manifest.image_sha256);
    expect((await must(['sh', BUILD, '--hash'])).trim()).toBe(manifest.recipe_sha256);
    expect(manifest.packages).toHaveProperty('postfix');
    expect(statSync(image).size).toBeLessThanOrEqual(TARGET_BYTES);
  }, 900_000);

  test('of the web container has Roundcube and stays within its size limit', async () => {
    const image = await ensureImage('web');
    const file = image.replace('.squashfs', '.manifest.json');
    const manifest = parseImageManifest(readFileSync(file, 'utf8'), file);

    expect(manifest.variant).toBe('web');
    expect(manifest.packages['roundcube-core']).toMatch(/^1\.6\./);
    expect(statSync(image).size).toBeLessThanOrEqual(WEB_TARGET_BYTES);
  }, 900_000);

  test.each(['standard', 'web'] as const)(
    "%s uses only squashfs features of OpenWrt's kernels: xz, no BCJ filters, no xattrs",
    async (variant) => {
      const superblock = await must(['unsquashfs', '-s', await ensureImage(variant)]);

      expect(superblock).toContain('Compression xz\n');
      expect(superblock).toContain('Xattrs are not stored\n');
      expect(superblock).not.toContain('Filters selected');
    },
    900_000,
  );

  test('is reused from the cache without a build', async () => {
    const image = await ensureImage();
    const before = statSync(image).mtimeMs;

    expect(await ensureImage()).toBe(image);
    expect(statSync(image).mtimeMs).toBe(before);
  }, 900_000);

  test('links to the rendered configuration and has neither a package manager nor login shells', async () => {
    const list = await must(['unsquashfs', '-ll', await ensureImage()]);

    expect(list).toContain('/etc/postfix -> /config/current/etc/postfix');
    expect(list).toContain('/etc/dovecot -> /config/current/etc/dovecot');
    expect(list).not.toMatch(/\/usr\/bin\/(perl|apt|dpkg|bash)\n/);
  }, 900_000);

  test.skipIf(process.env.REPRODUCIBLE !== '1')(
    'is the same, byte for byte, when it is built twice',
    async () => {
      const folders = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), 'image-'))));
      const digests: string[] = [];
      for (const folder of folders) {
        await must(['sh', BUILD, '--output', folder], { timeout: 1_800_000 });
        const [name = ''] = readdirSync(folder).filter((entry) => entry.endsWith('.squashfs'));
        digests.push((await must(['sha256sum', join(folder, name)])).split(' ')[0] ?? '');
        await rm(folder, { recursive: true });
      }
      expect(digests[0]).toBe(digests[1] ?? 'nothing was built');
    },
    3_600_000,
  );
});
