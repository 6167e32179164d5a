// A line-based connection with optional TLS, the common part of the SMTP, IMAP, POP3 and ManageSieve clients.

import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';

export interface TlsFacts {
  /** SHA-256 of the certificate, lower-case hexadecimal */
  fingerprint: string;
  subject: string;
  names: string[];
  protocol: string;
  cipher: string;
}

export interface Connection {
  /** One line without its CRLF. Fails when the server closes or sends nothing for `timeout` ms. */
  readLine(timeout?: number): Promise<string>;
  readBytes(count: number, timeout?: number): Promise<Buffer>;
  write(data: string | Uint8Array): void;
  /** Sends a line. */
  say(line: string): void;
  startTls(options?: ConnectionOptions): Promise<TlsFacts>;
  /** null before TLS */
  readonly tls: TlsFacts | null;
  /** True after the server has closed and all of its data was read. */
  readonly ended: boolean;
  close(): void;
}

const SILENCE = 30_000;

/** Sessions inherit from it (`Object.create`), so that its getters stay live. */
export function openConnection(first: Socket): Connection {
  let socket: Socket = first;
  let buffer: Buffer = Buffer.alloc(0);
  let ended = false;
  let tls: TlsFacts | null = null;
  let wake: () => void = () => undefined;

  const listen = () => {
    socket.on('data', (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      wake();
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        ended = true;
        wake();
      });
    }
    socket.resume();
  };
  listen();

  const take = async (size: () => number | undefined, timeout: number): Promise<Buffer> => {
    const deadline = Date.now() + timeout;
    for (;;) {
      const end = size();
      if (end !== undefined) {
        const taken = buffer.subarray(0, end);
        buffer = buffer.subarray(end);
        return taken;
      }
      if (ended) throw new Error('the server closed the connection');
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`the server was silent for ${timeout} ms`);
      await Promise.race([new Promise<void>((resolve) => (wake = resolve)), Bun.sleep(left)]);
    }
  };

  const endOfLine = () => {
    const at = buffer.indexOf('\r\n');
    return at < 0 ? undefined : at + 2;
  };

  return {
    readLine: async (timeout = SILENCE) =>
      (await take(endOfLine, timeout)).subarray(0, -2).toString('latin1'),
    readBytes: (count, timeout = SILENCE) =>
      take(() => (buffer.length >= count ? count : undefined), timeout),
    write: (data) => void socket.write(data),
    say: (line) => void socket.write(`${line}\r\n`, 'latin1'),
    startTls: async (options = {}) => {
      for (const event of ['data', 'end', 'close', 'error']) socket.removeAllListeners(event);
      const secured = await secure(socket, options);
      socket = secured;
      listen();
      tls = factsOf(secured);
      return tls;
    },
    get tls() {
      return tls;
    },
    get ended() {
      return ended && buffer.length === 0;
    },
    close: () => socket.destroy(),
  };
}

function secure(plain: Socket, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ socket: plain, rejectUnauthorized: false, ...options }, () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
    plain.once('close', () => reject(new Error('closed during the TLS handshake')));
  });
}

function factsOf(socket: TLSSocket): TlsFacts {
  const certificate = socket.getPeerCertificate();
  const names = (certificate.subjectaltname ?? '').split(', ').filter((name) => name !== '');
  return {
    fingerprint: createHash('sha256').update(certificate.raw).digest('hex'),
    subject: String(certificate.subject?.CN ?? ''),
    names: names.map((name) => name.replace(/^DNS:/, '')),
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName ?? socket.getCipher().name,
  };
}
