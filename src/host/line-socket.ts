// One request and one answer over a Unix socket, a line of text each. Who can connect is decided by the owner and the
// mode of the socket and of its folder. Size, time and number of connections are limited: the peer may be hostile.

import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { MailctlError } from '../errors.ts';
import type { Files, Ownership } from './files.ts';

const MAX_LINE = 16 * 1024;
const MAX_CONNECTIONS = 64;
/** Milliseconds until the whole request must be there. */
const REQUEST_MS = 5000;
const MAX_ANSWER = 1024 * 1024;

export interface LineSockets {
  /**
   * Answers each request until `close` is called. A socket that is already there is replaced.
   * @param answer must not throw; a connection whose answer throws is closed without one
   */
  listen(place: LinePlace, answer: Answer): Promise<{ close(): void }>;
  /** Sends one line and returns the answer. Throws NOT_RUNNING without a complete answer in time. */
  ask(path: string, line: string, timeout: number): Promise<string>;
}

type Answer = (line: string) => Promise<string>;

interface LinePlace {
  readonly path: string;
  /** The only user who can connect, besides root. */
  readonly owner: Ownership;
}

/** Ends the connection without an answer when the request is too long, too slow, or breaks off. */
function takeRequest(socket: Socket, answer: Answer): void {
  let received = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), REQUEST_MS);
  socket.on('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  socket.on('data', (piece: Buffer) => {
    received = Buffer.concat([received, piece]);
    const end = received.indexOf(10);
    if (end < 0 && received.length <= MAX_LINE) return;
    clearTimeout(timer);
    socket.removeAllListeners('data');
    if (end < 0 || end > MAX_LINE) {
      socket.destroy();
      return;
    }
    answer(received.subarray(0, end).toString('utf8')).then(
      (line) => socket.end(`${line}\n`),
      () => socket.destroy(),
    );
  });
}

function bind(server: Server, { path, owner }: LinePlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      // until here only root can connect: the umask leaves others without write permission
      chownSync(path, owner.uid, owner.gid);
      chmodSync(path, 0o600);
      resolve();
    });
  });
}

async function listenOn(place: LinePlace, answer: Answer): Promise<{ close(): void }> {
  rmSync(place.path, { force: true });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    if (open.size >= MAX_CONNECTIONS) {
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    takeRequest(socket, answer);
  });
  await bind(server, place);
  return {
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
      rmSync(place.path, { force: true });
    },
  };
}

function ask(path: string, line: string, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    let received = Buffer.alloc(0);
    const fail = (why: string) => {
      socket.destroy();
      reject(new MailctlError('NOT_RUNNING', `${path}: ${why}`));
    };
    const timer = setTimeout(() => fail('no answer in time'), timeout);
    socket.on('connect', () => socket.write(`${line}\n`));
    socket.on('error', (error) => fail((error as NodeJS.ErrnoException).code ?? 'failed'));
    socket.on('close', () => {
      clearTimeout(timer);
      const end = received.indexOf(10);
      if (end < 0) fail('closed without an answer');
      else resolve(received.subarray(0, end).toString('utf8'));
    });
    socket.on('data', (piece: Buffer) => {
      received = Buffer.concat([received, piece]);
      if (received.length > MAX_ANSWER) fail('the answer is too long');
    });
  });
}

/** @param files gives the real path */
export function createLineSockets({ path: real }: Pick<Files, 'path'>): LineSockets {
  return {
    listen: (place, answer) => listenOn({ ...place, path: real(place.path) }, answer),
    ask: (path, line, timeout) => ask(real(path), line, timeout),
  };
}
