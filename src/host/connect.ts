// A line-based dialogue over TCP and TLS, for mail protocols. Time, line length and total bytes are limited: the
// server may be hostile, or not a mail server.

import { createHash } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type ErrorCode, MailctlError } from '../errors.ts';
import { presentable } from './programs.ts';

export interface DialogueTarget {
  /** IP address; names are not looked up. */
  readonly address: string;
  readonly port: number;
  /** TLS from the first byte on. */
  readonly tls?: boolean;
  /** Name that TLS asks for (SNI). */
  readonly serverName?: string;
  /** Milliseconds for the whole dialogue. */
  readonly timeout: number;
}

export interface PeerCertificate {
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
  /** Such as TLSv1.3. */
  readonly protocol: string;
}

/** Every method throws CONNECTION_FAILED or TIMED_OUT; after that, all others throw the same. */
export interface Dialogue {
  /** The next line without its line ending, in Latin-1. */
  readLine(): Promise<string>;
  send(line: string): void;
  /** Starts TLS, after the server has agreed to it. Does not verify the certificate. */
  startTls(): Promise<PeerCertificate>;
}

export interface Sockets {
  /** Runs `talk` with a connection; closes it when `talk` returns or throws. */
  dialogue<T>(
    target: DialogueTarget,
    talk: (dialogue: Dialogue, certificate: PeerCertificate | null) => Promise<T>,
  ): Promise<T>;
}

const MAX_LINE = 8192;
const MAX_BYTES = 1024 * 1024;

interface Wire {
  readonly target: DialogueTarget;
  socket: Socket;
  received: Buffer;
  total: number;
  failure: MailctlError | null;
  /** Wakes the reader that waits for an event of the socket. */
  wake: () => void;
}

function fail(wire: Wire, code: ErrorCode, what: string): void {
  const { address, port } = wire.target;
  const at = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  wire.failure ??= new MailctlError(code, `${at} ${what}`);
  wire.socket.destroy();
  wire.wake();
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection',
  ECONNRESET: 'broke off the connection',
  EPIPE: 'broke off the connection',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ETIMEDOUT: 'does not answer',
};

function reasonOf(error: NodeJS.ErrnoException): string {
  return REASONS[error.code ?? ''] ?? `failed: ${presentable(error.message)}`;
}

function receive(wire: Wire, piece: Buffer): void {
  wire.total += piece.length;
  wire.received = Buffer.concat([wire.received, piece]);
  if (wire.total > MAX_BYTES) fail(wire, 'CONNECTION_FAILED', `sent more than ${MAX_BYTES} bytes`);
  wire.wake();
}

function listen(wire: Wire, socket: Socket): void {
  wire.socket = socket;
  socket.on('data', (piece: Buffer) => receive(wire, piece));
  socket.on('error', (error) => fail(wire, 'CONNECTION_FAILED', reasonOf(error)));
  socket.on('close', () => fail(wire, 'CONNECTION_FAILED', 'closed the connection'));
}

/** Waits until `attempt` returns a value; also uses data that arrived before the connection closed. */
async function until<T>(wire: Wire, attempt: () => T | null): Promise<T> {
  for (;;) {
    const answer = attempt();
    if (answer !== null) return answer;
    if (wire.failure !== null) throw wire.failure;
    await new Promise<void>((resolve) => {
      wire.wake = resolve;
    });
  }
}

function takeLine(wire: Wire): string | null {
  const end = wire.received.indexOf('\n');
  if (end > MAX_LINE || (end < 0 && wire.received.length > MAX_LINE)) {
    fail(wire, 'CONNECTION_FAILED', `sent a line of more than ${MAX_LINE} bytes`);
    return null;
  }
  if (end < 0) return null;
  const line = wire.received.subarray(0, end).toString('latin1');
  wire.received = wire.received.subarray(end + 1);
  return line.replace(/\r$/, '');
}

function peerCertificate(socket: TLSSocket): PeerCertificate {
  const { raw } = socket.getPeerCertificate();
  return {
    fingerprint: createHash('sha256').update(raw).digest('hex'),
    protocol: socket.getProtocol() ?? 'TLS',
  };
}

async function secure(wire: Wire): Promise<PeerCertificate> {
  // a cleartext answer would be taken for one inside TLS (CVE-2011-0411)
  if (wire.received.length > 0) {
    fail(wire, 'CONNECTION_FAILED', 'sent something before the TLS handshake');
  }
  if (wire.failure !== null) throw wire.failure;
  const plain = wire.socket;
  for (const event of ['data', 'close', 'error']) plain.removeAllListeners(event);
  plain.on('error', (error) => fail(wire, 'CONNECTION_FAILED', reasonOf(error)));
  plain.on('close', () => fail(wire, 'CONNECTION_FAILED', 'closed the connection'));
  const { serverName } = wire.target;
  const names = serverName === undefined ? {} : { servername: serverName };
  // the caller compares the fingerprint; the certificate may be self-signed
  const socket = connectTls({ socket: plain, rejectUnauthorized: false, ...names });
  let done = false;
  socket.once('secureConnect', () => {
    done = true;
    wire.wake();
  });
  listen(wire, socket);
  return until(wire, () => (done ? peerCertificate(socket) : null));
}

function open(target: DialogueTarget): { wire: Wire; connected: Promise<true> } {
  const socket = connectTcp({ host: target.address, port: target.port });
  const wire: Wire = {
    ...{ target, socket, received: Buffer.alloc(0), total: 0, failure: null },
    wake: () => undefined,
  };
  let connected: true | null = null;
  socket.once('connect', () => {
    connected = true;
    wire.wake();
  });
  listen(wire, socket);
  return { wire, connected: until(wire, () => connected) };
}

function dialogueOver(wire: Wire): Dialogue {
  return {
    readLine: () => until(wire, () => takeLine(wire)),
    send: (line) => {
      if (/[\r\n]/.test(line)) throw new Error('a line of a dialogue contains a line break');
      if (wire.failure !== null) throw wire.failure;
      wire.socket.write(`${line}\r\n`, 'latin1');
    },
    startTls: () => secure(wire),
  };
}

async function withDialogue<T>(
  target: DialogueTarget,
  talk: (dialogue: Dialogue, certificate: PeerCertificate | null) => Promise<T>,
): Promise<T> {
  const { wire, connected } = open(target);
  const late = () => fail(wire, 'TIMED_OUT', `did not finish within ${target.timeout} ms`);
  const timer = setTimeout(late, target.timeout);
  try {
    await connected;
    return await talk(dialogueOver(wire), target.tls === true ? await secure(wire) : null);
  } finally {
    clearTimeout(timer);
    wire.socket.destroy();
  }
}

export function createSockets(): Sockets {
  return { dialogue: withDialogue };
}
