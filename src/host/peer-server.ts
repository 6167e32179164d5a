// A TLS server for peers that show a client certificate. What a stranger can make it do is bounded before the first byte
// is read: connections in all and from each address, time until the request is there, time of silence. A certificate that
// is not admitted gets one fixed answer, whatever it sends.

import { createHash } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { MailctlError } from '../errors.ts';
import { createConversations, type PeerReply, type PeerRequest } from './peer-http.ts';

export type { PeerReply, PeerRequest } from './peer-http.ts';

/** Hex SHA-256 of the certificate, and of its public key. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly publicKey: string;
  /** Of the certificate beside it in the chain, if that one has signed it. */
  readonly issuer: string | null;
}

/** A client that is no stranger. */
export interface Guest {
  /** Its connections are counted by this name. */
  readonly name: string;
  answer(request: PeerRequest): Promise<PeerReply>;
}

export interface PeerServerOptions {
  readonly address: string;
  readonly port: number;
  /** PEM texts. */
  readonly key: string;
  readonly chain: string;
  /** Null for a stranger. */
  admit(shown: ClientCertificate): Promise<Guest | null>;
  readonly log: (line: string) => void;
  readonly limits?: ServerLimits;
}

export interface ServerLimits {
  /** Connections whose certificate is not known yet, or not admitted. */
  readonly strangers: number;
  readonly strangersOfAddress: number;
  readonly ofGuest: number;
  /** Milliseconds from the connection to the complete header of the request. */
  readonly request: number;
  /** Milliseconds without a byte in either direction. */
  readonly silence: number;
}

export interface PeerServer {
  readonly port: number;
  close(): Promise<void>;
}

const LIMITS: ServerLimits = {
  ...{ strangers: 32, strangersOfAddress: 4, ofGuest: 4 },
  ...{ request: 15_000, silence: 60_000 },
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Null when the client has shown none. */
function certificateOf(socket: TLSSocket): ClientCertificate | null {
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return null;
  const publicKey = shown.publicKey.export({ type: 'spki', format: 'der' });
  const { issuerCertificate: beside } = shown;
  const isIssuer =
    beside !== undefined && shown.checkIssued(beside) && shown.verify(beside.publicKey);
  return {
    certificate: sha256(shown.raw),
    publicKey: sha256(publicKey),
    issuer: isIssuer ? sha256(beside.raw) : null,
  };
}

function refusal(status: string, error: string): string {
  const body = JSON.stringify({ error });
  return `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

const NOT_ADMITTED = refusal('403 Forbidden', 'unknown');
const TOO_MANY = refusal('429 Too Many Requests', 'busy');

/** The open connections, each under one name; a name starting with `?` is a stranger's. */
function createConnections(limits: ServerLimits) {
  const names = new Map<Socket, string>();
  const count = (fits: (name: string) => boolean) => [...names.values()].filter(fits).length;
  return {
    /** False when there are too many. */
    addStranger: (socket: Socket): boolean => {
      const name = `?${socket.remoteAddress}`;
      const crowd = count((other) => other.startsWith('?'));
      if (crowd >= limits.strangers) return false;
      if (count((other) => other === name) >= limits.strangersOfAddress) return false;
      names.set(socket, name);
      return true;
    },
    rename: (socket: Socket, name: string): boolean => {
      if (count((other) => other === name) >= limits.ofGuest) return false;
      names.set(socket, name);
      return true;
    },
    remove: (socket: Socket) => names.delete(socket),
    destroyAll: () => {
      for (const socket of names.keys()) socket.destroy();
    },
  };
}

type Connections = ReturnType<typeof createConnections>;
/** What ends the deadline of a connection. */
type Deadlines = WeakMap<Socket, () => void>;

/** A connection that has just been opened: it must bring its request in time. */
function receive(
  socket: Socket,
  {
    connections,
    deadlines,
    limits,
  }: { connections: Connections; deadlines: Deadlines; limits: ServerLimits },
): void {
  socket.on('error', () => socket.destroy());
  if (!connections.addStranger(socket)) {
    socket.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), limits.request);
  deadlines.set(socket, () => clearTimeout(timer));
  socket.setTimeout(limits.silence, () => socket.destroy());
  socket.once('close', () => {
    clearTimeout(timer);
    connections.remove(socket);
  });
}

async function listen(server: Server, { address, port }: PeerServerOptions): Promise<void> {
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(port, address, () => listening.resolve());
  try {
    await listening.promise;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new MailctlError('PORT_TAKEN', `port ${port} of ${address} is taken`, { cause });
    }
    if (code !== 'EADDRNOTAVAIL' && code !== 'EACCES') throw cause;
    const message = `cannot listen on port ${port} of ${address}: ${code}`;
    throw new MailctlError('ADDRESS_UNKNOWN', message, { cause });
  }
}

/** Throws PORT_TAKEN, ADDRESS_UNKNOWN. */
export async function startPeerServer(options: PeerServerOptions): Promise<PeerServer> {
  const { limits = LIMITS } = options;
  const connections = createConnections(limits);
  const deadlines: Deadlines = new WeakMap();
  const converse = createConversations(options.log);
  const welcome = async (socket: TLSSocket): Promise<void> => {
    const shown = certificateOf(socket);
    const guest = shown === null ? null : await options.admit(shown);
    if (guest === null) socket.end(NOT_ADMITTED);
    else if (!connections.rename(socket, guest.name)) socket.end(TOO_MANY);
    else {
      const heard = () => deadlines.get(socket)?.();
      converse(socket, { heard, answer: (request) => guest.answer(request) });
    }
  };
  const server = createServer({
    ...{ key: options.key, cert: options.chain, minVersion: 'TLSv1.3' as const },
    // any certificate: `admit` knows the fingerprints, and no authority does
    ...{ requestCert: true, rejectUnauthorized: false },
    ALPNProtocols: ['http/1.1'],
  });
  server.on('connection', (socket: Socket) => receive(socket, { connections, deadlines, limits }));
  server.on('tlsClientError', (_, socket) => socket.destroy());
  server.on('secureConnection', (socket) => {
    welcome(socket).catch((error: Error) => {
      options.log(`a connection failed: ${error.message}`);
      socket.destroy();
    });
  });
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      connections.destroyAll();
      await closed;
    },
  };
}
