// One question to one DNS server: UDP, then TCP when the answer is truncated, with a time limit.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { MailctlError } from '../../errors.ts';
import {
  type DnsAnswer,
  decodeAnswer,
  encodeQuery,
  type QueryFlags,
  type Question,
} from './message.ts';

export interface DnsServer {
  /** Its host name, or its address where it has none. */
  readonly name: string;
  readonly address: string;
  /** Default: 53. */
  readonly port?: number;
}

const UDP_TIMEOUTS_MS = [1500, 3000];
/** For a server that has just timed out: dozens of questions must not each wait the full time. */
const SILENT_TIMEOUTS_MS = [400];
const SILENCE_MS = 60_000;
const TCP_TIMEOUT_MS = 5000;

export function serverLabel({ name, address }: DnsServer): string {
  return name === address ? address : `${name} (${address})`;
}

interface Exchange {
  readonly server: DnsServer;
  readonly id: number;
  readonly question: Question;
  readonly bytes: Buffer;
}

function failure(exchange: Exchange, why: string, cause?: unknown): MailctlError {
  const details = cause === undefined ? {} : { cause };
  return new MailctlError('DNS_UNREACHABLE', `${serverLabel(exchange.server)} ${why}`, details);
}

function unreachable(exchange: Exchange, error: NodeJS.ErrnoException): MailctlError {
  const why =
    error.code === 'ECONNREFUSED' ? 'is not listening on the DNS port' : 'cannot be reached';
  return failure(exchange, why, error);
}

/** null on a timeout. Throws DNS_UNREACHABLE on a network error. */
function askOverUdp(exchange: Exchange, timeout: number): Promise<DnsAnswer | null> {
  const { server, id, question, bytes } = exchange;
  const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4');
  return new Promise<DnsAnswer | null>((resolve, reject) => {
    const timer = setTimeout(() => resolve(null), timeout);
    const giveUp = (error: Error) => {
      clearTimeout(timer);
      reject(unreachable(exchange, error));
    };
    socket.on('error', giveUp);
    socket.on('message', (message) => {
      const answer = decodeAnswer(message, id, question);
      // any host can send to this port: datagrams that do not answer the question are ignored
      if (answer === null) return;
      clearTimeout(timer);
      resolve(answer);
    });
    // connected: the kernel drops what comes from another address
    socket.connect(server.port ?? 53, server.address, (...args: unknown[]) => {
      const [error] = args;
      if (error instanceof Error) return giveUp(error);
      socket.send(bytes, (problem) => problem && giveUp(problem));
    });
  }).finally(() => socket.close());
}

function askOverTcp(exchange: Exchange): Promise<DnsAnswer> {
  const { server, id, question, bytes } = exchange;
  const socket = connect({ host: server.address, port: server.port ?? 53 });
  return new Promise<DnsAnswer>((resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.setTimeout(TCP_TIMEOUT_MS, () => reject(failure(exchange, 'does not answer over TCP')));
    socket.on('error', (error) => reject(unreachable(exchange, error)));
    socket.on('close', () => reject(failure(exchange, 'closed the TCP connection')));
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      socket.write(Buffer.concat([length, bytes]));
    });
    socket.on('data', (piece: Buffer) => {
      received = Buffer.concat([received, piece]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE()) return;
      const answer = decodeAnswer(received.subarray(2, 2 + received.readUInt16BE()), id, question);
      if (answer === null) reject(failure(exchange, 'sent an invalid DNS answer'));
      else resolve(answer);
    });
  }).finally(() => socket.destroy());
}

/** The last timeout of each server, in milliseconds of this process. */
const silentSince = new Map<string, number>();

function timeoutsFor(place: string): readonly number[] {
  const since = silentSince.get(place);
  const isSilent = since !== undefined && performance.now() - since < SILENCE_MS;
  return isSilent ? SILENT_TIMEOUTS_MS : UDP_TIMEOUTS_MS;
}

/** Throws DNS_UNREACHABLE; a refusal or SERVFAIL is an answer. */
export async function queryServer(
  server: DnsServer,
  question: Question,
  flags: QueryFlags = {},
): Promise<DnsAnswer> {
  const id = randomInt(65536);
  const exchange = { server, id, question, bytes: encodeQuery(id, question, flags) };
  const place = `${server.address} ${server.port ?? 53}`;
  for (const timeout of timeoutsFor(place)) {
    const answer = await askOverUdp(exchange, timeout);
    if (answer === null) continue;
    silentSince.delete(place);
    return answer.truncated ? askOverTcp(exchange) : answer;
  }
  silentSince.set(place, performance.now());
  throw failure(exchange, 'does not answer');
}
