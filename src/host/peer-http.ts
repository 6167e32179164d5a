// The HTTP part of the server for peers: one request for each connection, one reply, from memory or from a file.

import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';

export interface PeerRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Of the body; null when the client did not announce it. */
  readonly length: number | null;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface PeerReply {
  readonly status: number;
  /** The body as JSON. */
  readonly data?: unknown;
  /** A part of a file as body. */
  readonly file?: { readonly path: string; readonly from: number; readonly to: number };
}

/** A connection whose peer is known. */
export interface Conversation {
  /** Called when the header of the request is there. */
  readonly heard: () => void;
  readonly answer: (request: PeerRequest) => Promise<PeerReply>;
}

const MAX_HEADER_BYTES = 4096;
/** For the work after the last byte of a request, such as the hash of a large file. */
const ANSWER_MS = 30 * 60_000;

/** A peer that goes away is an everyday event. */
const GONE = ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR', 'EPIPE', 'ECONNABORTED'];

const MOST_BUFFERED = 1024 * 1024;

/** Stops the connection while the reader is slower: the message itself takes all that comes, into memory. */
async function* steady(message: IncomingMessage, socket: Socket): AsyncGenerator<Uint8Array> {
  const hold = () => {
    if (message.readableLength > MOST_BUFFERED) socket.pause();
  };
  socket.on('data', hold);
  try {
    for await (const piece of message as AsyncIterable<Uint8Array>) {
      hold();
      yield piece;
      if (message.readableLength <= MOST_BUFFERED) socket.resume();
    }
  } finally {
    socket.off('data', hold);
    socket.resume();
  }
}

function requestOf(message: IncomingMessage, socket: Socket): PeerRequest {
  const { method = '', url: target = '', headers } = message;
  const text = headers['content-length'];
  const length = text === undefined ? null : Number(text);
  return { method, target, length, body: steady(message, socket) };
}

async function send(response: ServerResponse, { status, data, file }: PeerReply): Promise<void> {
  response.statusCode = status;
  response.setHeader('Connection', 'close');
  if (file === undefined) {
    const body = Buffer.from(data === undefined ? '' : JSON.stringify(data));
    response.setHeader('Content-Length', body.length);
    response.end(body);
    return;
  }
  const { path, from, to } = file;
  response.setHeader('Content-Length', to - from);
  if (to === from) response.end();
  else await pipeline(createReadStream(path, { start: from, end: to - 1 }), response);
}

/** Returns what starts a conversation on a connection. */
export function createConversations(log: (line: string) => void) {
  const open = new WeakMap<Socket, Conversation>();
  const reply = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { socket } = message;
    const conversation = open.get(socket);
    open.delete(socket);
    // a second request on the same connection
    if (conversation === undefined) {
      socket.destroy();
      return;
    }
    conversation.heard();
    message.once('end', () => socket.setTimeout(ANSWER_MS));
    try {
      await send(response, await conversation.answer(requestOf(message, socket)));
      // of a body that was not wanted, nothing more is read
      if (!message.complete) response.once('close', () => socket.destroy());
    } catch (error) {
      const { code = '', message: text } = error as NodeJS.ErrnoException;
      if (!GONE.includes(code)) log(`a request failed: ${text}`);
      socket.destroy();
    }
  };
  const http = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (message, response) => {
    // later, a message that was broken off has no socket
    const { socket } = message;
    message.on('error', () => socket.destroy());
    response.on('error', () => socket.destroy());
    void reply(message, response);
  });
  http.on('clientError', (_, socket) => socket.destroy());
  for (const event of ['upgrade', 'connect'] as const) {
    http.on(event, (_: unknown, socket: Socket) => socket.destroy());
  }
  return (socket: Socket, conversation: Conversation): void => {
    open.set(socket, conversation);
    http.emit('connection', socket);
  };
}
