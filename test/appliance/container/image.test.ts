// Images over HTTP: accepted with a configured SHA-256, else refused before the download.

import { afterAll, afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureImage } from '../../../src/appliance/container/image.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { createHost, type Host } from '../../../src/host/host.ts';
import { hostArchitecture } from '../../../src/host/machine.ts';

const IMAGE = 'an image';
const SHA256 = createHash('sha256').update(IMAGE).digest('hex');
const MANIFEST = {
  ...{ v: 1, variant: 'standard', architecture: hostArchitecture(), debian: '13' },
  ...{ recipe_sha256: 'a'.repeat(64), image_sha256: SHA256, image_bytes: IMAGE.length },
  created_from: { suite: 'trixie', point_release: '13.1', source_date_epoch: 1_757_000_000 },
  packages: { postfix: '3.10.4-1~deb13u1' },
};

let asked: string[] = [];
const server = Bun.serve({
  port: 0,
  fetch: ({ url }) => {
    const { pathname } = new URL(url);
    asked.push(pathname);
    if (pathname.startsWith('/moved/')) return Response.redirect(`/${pathname.slice(7)}`, 302);
    return pathname.endsWith('.json') ? Response.json(MANIFEST) : new Response(IMAGE);
  },
});
const url = (path: string) => `http://localhost:${server.port}/${path}`;
afterAll(() => server.stop(true));

describe('an image over plain HTTP', () => {
  let root: string;
  let host: Host;
  beforeEach(async () => {
    asked = [];
    root = await mkdtemp(join(tmpdir(), 'mailctl-image-'));
    host = createHost({ root, env: process.env, say: () => undefined });
  });
  afterEach(() => rm(root, { recursive: true }));

  const ensure = (wish: { source?: string; sha256?: string }, main = {}) => {
    const defaults = defaultSettings();
    const settings = { ...defaults, main: { ...defaults.main, ...main } };
    return ensureImage(host, { settings, paths: appliancePaths(settings) }, wish);
  };

  test('is refused without a SHA-256, before any request', async () => {
    const source = url('image.squashfs');

    await expect(ensure({ source })).rejects.toThrow('is plain HTTP, and the image');
    await expect(ensure({}, { image: source })).rejects.toThrow('is plain HTTP, and the image');
    expect(asked).toEqual([]);
  });

  test('is accepted with the given SHA-256, also after a redirect', async () => {
    const image = await ensure({ source: url('moved/image.squashfs'), sha256: SHA256 });

    expect(image.sha256).toBe(SHA256);
    expect(await host.files.read(image.file)).toBe(IMAGE);
  });

  test('is accepted with main.image_sha256', async () => {
    const main = { image: url('image.squashfs'), imageSha256: SHA256 };

    expect((await ensure({}, main)).sha256).toBe(SHA256);
  });

  test('is refused on a SHA-256 mismatch before the download, and leaves no file', async () => {
    const wish = { source: url('image.squashfs'), sha256: 'b'.repeat(64) };

    await expect(ensure(wish)).rejects.toThrow(
      `has the SHA-256 ${SHA256}, expected ${'b'.repeat(64)}`,
    );
    expect(asked).toEqual(['/image.manifest.json']);
    expect(await readdir(join(root, 'srv/lxc/mailserver/images'))).toEqual([]);
  });

  test('is not checked against the SHA-256 of another URL in UCI', async () => {
    const main = { image: 'https://images.example/x.squashfs', imageSha256: SHA256 };

    await expect(ensure({ source: url('image.squashfs') }, main)).rejects.toThrow('is plain HTTP');
  });
});

test('a redirect from HTTPS to plain HTTP is not followed', async () => {
  const root = await mkdtemp(join(tmpdir(), 'mailctl-image-'));
  const { key, cert } = await selfSigned();
  const secure = Bun.serve({
    ...{ port: 0, tls: { key, cert } },
    fetch: () => Response.redirect(url('image.squashfs'), 302),
  });
  asked = [];
  const script = `
    import { createHost } from '${join(import.meta.dir, '../../../src/host/host.ts')}';
    const host = createHost({ root: '${root}', env: {}, say: () => undefined });
    const to = { to: '/image', limit: 100 };
    await host.downloads.fetch('https://localhost:${secure.port}/x', to).catch((error) => console.log(error.message));`;
  // the certificate is self-signed: only this process accepts it
  const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  const child = Bun.spawn([process.execPath, '-e', script], {
    env,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const said = await new Response(child.stdout).text();
  secure.stop(true);
  await rm(root, { recursive: true });

  expect(said).toContain('it redirects from HTTPS to http://localhost');
  expect(asked).toEqual([]);
});

async function selfSigned(): Promise<{ key: string; cert: string }> {
  const words = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const child = Bun.spawn(
    [...words, '-nodes', '-subj', '/CN=localhost', '-days', '2', '-keyout', '-', '-out', '-'],
    { stdout: 'pipe', stderr: 'ignore' },
  );
  const text = await new Response(child.stdout).text();
  const at = text.indexOf('-----BEGIN CERTIFICATE');
  return { key: text.slice(0, at), cert: text.slice(at) };
}
