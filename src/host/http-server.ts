// HTTP on a Unix socket, for a web server in front: it speaks TLS with strangers and limits their connections.

import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs';
import type { Files } from './files.ts';

const MAX_BODY = 64 * 1024;
/** Everyone who can enter the socket's folder may connect. */
const SOCKET_MODE = 0o666;

export interface HttpServers {
  /** A socket that is already there is replaced. @param answer must not throw */
  serve(path: string, answer: Answer): HttpServer;
}

type Answer = (request: Request) => Response | Promise<Response>;

export interface HttpServer {
  /** False when another process has replaced the socket. */
  isReachable(): boolean;
  /** Lets requests in progress finish. */
  stop(): Promise<void>;
}

function inodeOf(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

function serve(path: string, answer: Answer): HttpServer {
  // Bun removes the path that it listens at when it stops, also where another process listens by then
  const first = `${path}.${process.pid}`;
  rmSync(first, { force: true });
  const server = Bun.serve({
    unix: first,
    fetch: answer,
    maxRequestBodySize: MAX_BODY,
    development: false,
  });
  chmodSync(first, SOCKET_MODE);
  renameSync(first, path);
  const own = inodeOf(path);
  const isReachable = () => inodeOf(path) === own;
  return {
    isReachable,
    stop: async () => {
      if (isReachable()) rmSync(path, { force: true });
      await server.stop();
    },
  };
}

/** @param files gives the real path */
export function createHttpServers({ path: real }: Pick<Files, 'path'>): HttpServers {
  return { serve: (path, answer) => serve(real(path), answer) };
}
