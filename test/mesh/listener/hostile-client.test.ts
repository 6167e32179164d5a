// Clients that misbehave, against the server of the listener: with the pinned key of an admitted box, and without.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import {
  type PeerServer,
  type ServerLimits,
  startPeerServer,
} from '../../../src/host/peer-server.ts';
import { createPeerWorld, hashOf, type PeerWorld } from '../peers/world.ts';

let world: PeerWorld;
beforeAll(async () => {
  world = await createPeerWorld();
});
afterAll(() => world.stop());
beforeEach(() => rmSync(world.held(), { recursive: true, force: true }));

const open: Socket[] = [];
const started: PeerServer[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  for (const server of started.splice(0)) await server.close();
});

/** Resolves with everything received when the connection is closed. */
function spoken(socket: Socket): Promise<string> {
  open.push(socket);
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (piece) => {
      text += piece;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

const asBox = (port = world.port): TLSSocket => {
  const { certificate: cert, key } = world.box;
  return connect({ host: '127.0.0.1', port, cert, key, rejectUnauthorized: false });
};

/** Sends one request as an admitted box; the answer when the connection is closed. */
function say(text: string | Uint8Array, port?: number): Promise<string> {
  const socket = asBox(port);
  socket.on('secureConnect', () => socket.write(text));
  return spoken(socket);
}

const HEAD = 'Host: x\r\n';
const SHA = hashOf(new Uint8Array(100));
const put = (name: string, more = '') =>
  `PUT /v1/files/${name}?size=100&sha256=${SHA}&from=0 HTTP/1.1\r\n${HEAD}${more}\r\n`;

test.each([
  ['GET /v1/files/..%2f..%2fidentity%2fkey.pem?from=0 HTTP/1.1'],
  ['GET /v1/files/../../identity/key.pem?from=0 HTTP/1.1'],
  ['GET //etc/passwd HTTP/1.1'],
  ['GET http://127.0.0.1/v1/files HTTP/1.1'],
  ['OPTIONS * HTTP/1.1'],
  ['TRACE /v1/files HTTP/1.1'],
  [`PUT /v1/files/../x?size=0&sha256=${SHA}&from=0 HTTP/1.1`],
])('%s is refused', async (line) => {
  const answer = await say(`${line}\r\n${HEAD}Content-Length: 0\r\n\r\n`);

  expect(answer).toStartWith('HTTP/1.1 400 ');
  expect(answer).not.toContain('PRIVATE KEY');
});

test.each([
  ['no length', put('a', '')],
  ['another length than announced', put('a', 'Content-Length: 50\r\n') + 'x'.repeat(50)],
  ['chunks', `${put('a', 'Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n0\r\n\r\n`],
])('an upload with %s is refused', async (_, text) => {
  expect(await say(text)).toStartWith('HTTP/1.1 400 ');
  expect(existsSync(world.held('a'))).toBe(false);
});

test('an upload with other bytes than its hash leaves nothing', async () => {
  const text = put('a', 'Content-Length: 100\r\n') + 'x'.repeat(100);
  // the folder of the peer is made by an offer
  await say(`POST /v1/offers HTTP/1.1\r\n${HEAD}Content-Length: 2\r\n\r\n{}`);
  await world.store().put(world.file('0.manifest.json', randomBytes(10)));

  expect(await say(text)).toStartWith('HTTP/1.1 422 ');
  expect(readdirSync(world.held())).toEqual(['0.manifest.json']);
});

test('a second request on the same connection is not answered', async () => {
  const request = `GET /v1/space HTTP/1.1\r\n${HEAD}\r\n`;

  const answer = await say(`${request}${request}`);

  expect(answer.match(/HTTP\/1\.1/g)?.length ?? 0).toBeLessThanOrEqual(1);
});

test.each([
  ['a header of 20,000 bytes', `GET /v1/space HTTP/1.1\r\n${HEAD}X: ${'a'.repeat(20_000)}\r\n\r\n`],
  [
    'two lengths',
    `GET /v1/space HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
  ],
  ['length and chunks', put('a', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')],
  ['random bytes', randomBytes(5000)],
  ['an upgrade', `GET /v1/space HTTP/1.1\r\n${HEAD}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`],
  ['CONNECT', `CONNECT 127.0.0.1:25 HTTP/1.1\r\n${HEAD}\r\n`],
])('%s ends the connection, and the server lives on', async (_, text) => {
  const answer = await say(text);

  expect(answer).not.toContain('HTTP/1.1 200');
  expect(await world.store().space()).toMatchObject({ quota: 1e9 });
});

test('a stranger gets one answer, whatever it sends, and a client without certificate the same', async () => {
  await world.admit(null);
  try {
    const anonymous = connect({ host: '127.0.0.1', port: world.port, rejectUnauthorized: false });
    const answers = [await say('GET /v1/files HTTP/1.1\r\n\r\n'), await spoken(anonymous)];
    for (const answer of answers) expect(answer).toEndWith('{"error":"unknown"}');
  } finally {
    await world.admit({});
  }
});

const LIMITS: ServerLimits = {
  ...{ strangers: 6, strangersOfAddress: 3, ofGuest: 2 },
  ...{ request: 600, silence: 400 },
};

async function limited(): Promise<PeerServer> {
  const pem = (name: string) => readFileSync(world.held('../../listener', name), 'utf8');
  const server = await startPeerServer({
    ...{
      address: '127.0.0.1',
      port: 0,
      key: pem('key.pem'),
      chain: pem('chain.pem'),
      limits: LIMITS,
    },
    admit: async ({ certificate }) =>
      certificate === world.box.peerId
        ? {
            name: 'box',
            answer: async ({ body }) => {
              let bytes = 0;
              for await (const piece of body) bytes += piece.length;
              return { status: 200, data: { bytes } };
            },
          }
        : null,
    log: () => undefined,
  });
  started.push(server);
  return server;
}

test('connections that say nothing are closed, and do not lock out a peer', async () => {
  const { port } = await limited();
  const silent = Array.from({ length: 20 }, () => spoken(connectTcp(port, '127.0.0.1')));

  await Promise.all(silent);

  expect(await say(`GET / HTTP/1.1\r\n${HEAD}\r\n`, port)).toContain('{"bytes":0}');
});

test('a header that never ends is cut off, however fast it comes', async () => {
  const { port } = await limited();
  const socket = asBox(port);
  socket.on('secureConnect', () => {
    socket.write('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => socket.write('X'), 20);
    socket.on('close', () => clearInterval(drip));
  });

  expect(await spoken(socket)).toBe('');
});

test('a body that stops is cut off', async () => {
  const { port } = await limited();

  expect(await say(`PUT / HTTP/1.1\r\n${HEAD}Content-Length: 100\r\n\r\nabc`, port)).toBe('');
});

test('a peer has only so many connections, and gets them back', async () => {
  const { port } = await limited();
  const half = `PUT / HTTP/1.1\r\n${HEAD}Content-Length: 100\r\n\r\nabc`;
  const holding = [say(half, port), say(half, port)];
  await Bun.sleep(150);

  expect(await say(`GET / HTTP/1.1\r\n${HEAD}\r\n`, port)).toContain('{"error":"busy"}');
  await Promise.all(holding);
  expect(await say(`GET / HTTP/1.1\r\n${HEAD}\r\n`, port)).toContain('{"bytes":0}');
});
