// Requests to a real HTTPS server on this machine.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWeb, retryAfterSeconds } from '../../src/host/web.ts';

let folder: string;
let plain: ReturnType<typeof Bun.serve>;
let secure: ReturnType<typeof Bun.serve>;
const web = createWeb();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailctl-web-'));
  const [cert, key] = [join(folder, 'crt'), join(folder, 'key')];
  const words = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
  ];
  const names = ['-days', '2', '-subj', '/CN=x', '-addext', 'subjectAltName=IP:127.0.0.1'];
  Bun.spawnSync(['openssl', ...words, ...names, '-out', cert, '-keyout', key]);
  const answer = (request: Request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/moved') return Response.redirect('/other', 302);
    if (pathname === '/large') return new Response('x'.repeat(5 * 1024 * 1024));
    if (pathname === '/empty') return new Response(null, { status: 204 });
    if (pathname === '/page') return new Response('<html>', { status: 502 });
    return Response.json({ ok: true }, { status: 429, headers: { 'Retry-After': '7' } });
  };
  plain = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: answer });
  const tls = { cert: Bun.file(cert), key: Bun.file(key) };
  secure = Bun.serve({ hostname: '127.0.0.1', port: 0, tls, fetch: answer });
});

afterAll(async () => {
  await Promise.all([plain.stop(true), secure.stop(true)]);
  await rm(folder, { recursive: true });
});

const get = (server: { url: URL }, path: string) =>
  web.query({ method: 'GET', url: `${server.url.origin}${path}`, headers: {} });

test('status, body and Retry-After are returned', async () => {
  expect(await get(plain, '/')).toEqual({ status: 429, data: { ok: true }, retryAfter: 7 });
  expect(await get(plain, '/empty')).toEqual({ status: 204, data: null, retryAfter: null });
  expect(await get(plain, '/page')).toEqual({ status: 502, data: '<html>', retryAfter: null });
});

test.each(['/moved', '/large'])('%s is an error', async (path) => {
  await expect(get(plain, path)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
});

test('an untrusted certificate is an error, also with NODE_TLS_REJECT_UNAUTHORIZED=0', async () => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    await expect(get(secure, '/')).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
});

test.each([
  [null, null],
  ['120', 120],
  ['Wed, 21 Oct 2026 07:28:30 GMT', 30],
  ['Wed, 21 Oct 2020 07:28:30 GMT', 0],
  ['soon', null],
])('Retry-After %p means %p seconds', (header, seconds) => {
  expect(retryAfterSeconds(header, new Date('2026-10-21T07:28:00Z'))).toBe(seconds);
});
