// Requests to a peer over TLS, with both keys pinned: nothing is sent before the peer has shown a certificate that its
// identity has signed. Time, silence and the bytes of every answer are limited, since a peer may be slow or hostile.

import { X509Certificate } from 'node:crypto';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect, type TLSSocket } from 'node:tls';
import { MailctlError } from '../errors.ts';
import { presentable } from './programs.ts';

export interface PeerTarget {
  readonly address: string;
  readonly port: number;
  /** The pinned peer_id: hex SHA-256 of the peer's identity certificate. */
  readonly id: string;
  /** PEM texts of our own identity. */
  readonly certificate: string;
  readonly key: string;
}

export interface OutgoingRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  /** JSON, or a stream of known length. */
  readonly body?: unknown | { readonly length: number; readonly pieces: AsyncIterable<Uint8Array> };
  /** Milliseconds that the peer may work after the last byte of the request; a minute by default. */
  readonly patience?: number;
}

export interface PeerAnswer {
  readonly status: number;
  /** The parsed body; null when it is not JSON. */
  readonly data: unknown;
}

/** Takes the body of an answer with status 200. */
export type Receiver = (length: number, pieces: AsyncIterable<Uint8Array>) => Promise<void>;

export interface PeerWire {
  /** Asks for what changes nothing. Throws PEER_AWAY, PEER_CHANGED, PEER_REFUSED. */
  query(target: PeerTarget, request: OutgoingRequest): Promise<PeerAnswer>;
  /** Asks for a change, as `query` does. */
  send(target: PeerTarget, request: OutgoingRequest): Promise<PeerAnswer>;
  /** Passes the body on piece by piece; `data` of the answer is null then. */
  receive(target: PeerTarget, request: OutgoingRequest, receiver: Receiver): Promise<PeerAnswer>;
}

export interface WireLimits {
  /** Milliseconds until TCP and TLS are there. */
  readonly connect: number;
  /** Milliseconds in which bytes must move, by `LEAST_RATE`; also until an answer begins. */
  readonly silence: number;
}

const LIMITS: WireLimits = { connect: 10_000, silence: 60_000 };
/** Bytes a second: slower is no transfer. */
const LEAST_RATE = 512;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

const nameOf = ({ address, port }: PeerTarget): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

function away(target: PeerTarget, why: string, cause?: unknown): MailctlError {
  return new MailctlError('PEER_AWAY', `the peer at ${nameOf(target)} ${why}`, { cause });
}

const plain = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();

/** Throws PEER_CHANGED unless the pinned identity has signed the certificate that is shown. */
function verifyPinned(target: PeerTarget, socket: TLSSocket): void {
  const shown = socket.getPeerX509Certificate();
  const issuer = socket.getPeerCertificate(true).issuerCertificate as { raw?: Buffer } | undefined;
  const identity = issuer?.raw === undefined ? null : new X509Certificate(issuer.raw);
  const found = identity === null ? 'none' : plain(identity.fingerprint256);
  const isPinned =
    shown !== undefined &&
    identity !== null &&
    found === target.id &&
    shown.checkIssued(identity) &&
    shown.verify(identity.publicKey);
  if (isPinned) return;
  throw new MailctlError(
    'PEER_CHANGED',
    `${nameOf(target)} is not the peer ${target.id}: it shows the identity ${found}`,
    { hint: 'mailctl mesh id   (on the peer), then add it again if it has a new key' },
  );
}

function open(target: PeerTarget, limits: WireLimits): Promise<TLSSocket> {
  const { address: host, port, certificate: cert, key } = target;
  const opened = Promise.withResolvers<TLSSocket>();
  const options = { host, port, cert, key, minVersion: 'TLSv1.3' as const };
  // verifyPinned compares the fingerprint; no authority has signed it
  const socket = connect({ ...options, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  const timer = setTimeout(() => socket.destroy(new Error('does not answer')), limits.connect);
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const refused = error.code === 'ECONNREFUSED';
    const why = refused ? 'refuses the connection' : `cannot be reached: ${error.message}`;
    opened.reject(away(target, presentable(why), error));
  });
  socket.once('close', () => opened.reject(away(target, 'closed the connection')));
  socket.once('secureConnect', () => {
    try {
      verifyPinned(target, socket);
      opened.resolve(socket);
    } catch (error) {
      socket.destroy();
      opened.reject(error);
    }
  });
  return opened.promise.finally(() => clearTimeout(timer));
}

const isStream = (body: unknown): body is { length: number; pieces: AsyncIterable<Uint8Array> } =>
  typeof body === 'object' && body !== null && 'pieces' in body;

interface Exchange {
  readonly target: PeerTarget;
  readonly socket: TLSSocket;
  readonly request: OutgoingRequest;
  readonly pulse: Pulse;
}

/** Watches that bytes move, or that an answer begins in time; else it destroys the socket. */
interface Pulse {
  /** Passes the pieces on and counts them. */
  watch(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** From now on, the peer works for at most this long. */
  wait(patience: number): void;
  stop(): void;
}

function createPulse(socket: TLSSocket, { silence }: WireLimits): Pulse {
  let moved = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const least = (silence / 1000) * LEAST_RATE;
  const check = () => {
    if (moved < least) socket.destroy(new Error('too slow'));
    moved = 0;
  };
  const restart = () => {
    clearInterval(timer);
    moved = 0;
    timer = setInterval(check, silence);
  };
  return {
    watch: async function* (pieces) {
      restart();
      for await (const piece of pieces) {
        yield piece;
        moved += piece.length;
      }
    },
    wait: (patience) => {
      clearInterval(timer);
      timer = setInterval(() => socket.destroy(new Error('no answer')), patience);
    },
    stop: () => clearInterval(timer),
  };
}

/** Sends the request; gives the answer when its header is there. */
function ask({ target, socket, request, pulse }: Exchange, limits: WireLimits) {
  const { method, path, body, patience = limits.silence } = request;
  const json = body === undefined || isStream(body) ? '' : JSON.stringify(body);
  const length = isStream(body) ? body.length : Buffer.byteLength(json);
  const answered = Promise.withResolvers<IncomingMessage>();
  const outgoing = requestHttp({
    ...{ method, path, createConnection: () => socket },
    headers: { Host: 'peer', 'Content-Length': length, Connection: 'close' },
  });
  // an answer may be on its way although the connection is broken for sending
  const fail = (why: string) =>
    setTimeout(() => answered.reject(away(target, presentable(why))), 50);
  outgoing.once('response', answered.resolve);
  outgoing.on('error', ({ message }) => fail(`failed: ${message}`));
  socket.once('close', () => fail('closed the connection'));
  pulse.wait(patience);
  if (!isStream(body)) outgoing.end(json);
  else {
    pipeline(Readable.from(pulse.watch(body.pieces)), outgoing).then(
      () => pulse.wait(patience),
      (error) => answered.reject(error),
    );
  }
  return answered.promise;
}

async function readJson(target: PeerTarget, answer: AsyncIterable<Uint8Array>): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of answer) {
    size += piece.length;
    if (size > MAX_ANSWER_BYTES) {
      const message = `the peer at ${nameOf(target)} answers with more than ${MAX_ANSWER_BYTES} bytes`;
      throw new MailctlError('PEER_REFUSED', message);
    }
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch {
    // the caller checks the status, and the shape of what it needs
    return null;
  }
}

interface Asked {
  readonly target: PeerTarget;
  readonly request: OutgoingRequest;
  readonly receiver?: Receiver;
}

async function exchange(limits: WireLimits, asked: Asked): Promise<PeerAnswer> {
  const { target, request, receiver } = asked;
  const socket = await open(target, limits);
  const pulse = createPulse(socket, limits);
  try {
    const answer = await ask({ target, socket, request, pulse }, limits);
    const pieces = pulse.watch(answer);
    const status = answer.statusCode ?? 0;
    if (receiver === undefined || status !== 200) {
      return { status, data: await readJson(target, pieces) };
    }
    await receiver(Number(answer.headers['content-length']), pieces);
    return { status, data: null };
  } catch (error) {
    if (error instanceof MailctlError) throw error;
    // why the connection was ended here says more than that it was
    const { message } = socket.errored ?? (error as Error);
    throw away(target, presentable(`broke off: ${message}`), error);
  } finally {
    pulse.stop();
    socket.destroy();
  }
}

export function createPeerWire(limits: WireLimits = LIMITS): PeerWire {
  return {
    query: (target, request) => exchange(limits, { target, request }),
    send: (target, request) => exchange(limits, { target, request }),
    receive: (target, request, receiver) => exchange(limits, { target, request, receiver }),
  };
}
