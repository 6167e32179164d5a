// A small mail server over real sockets, for the tests of the probes: its replies come from a script.

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export interface Conversation {
  /** The reply to one line; null: no reply. */
  answer(line: string): string | null;
}

export interface Script {
  readonly greeting: string;
  readonly implicitTls?: boolean;
  readonly tls: { readonly key: string; readonly cert: string };
  /** Called for each connection: a new state. */
  readonly open: () => Conversation;
  /** The command that starts TLS and its reply; `again` is a second greeting within TLS. */
  readonly starttls?: { readonly command: RegExp; readonly reply: string; readonly again?: string };
}

function converse(socket: Socket, script: Script): void {
  const talk = script.open();
  let text = '';
  const upgrade = (wanted: NonNullable<Script['starttls']>) => {
    socket.removeAllListeners('data');
    socket.write(wanted.reply);
    const secured = new TLSSocket(socket, { isServer: true, ...script.tls });
    secured.on('error', () => secured.destroy());
    converse(secured, { ...script, greeting: wanted.again ?? '' });
  };
  socket.on('data', (piece: Buffer) => {
    text += piece.toString('latin1');
    const lines = text.split('\r\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (script.starttls?.command.test(line)) return upgrade(script.starttls);
      const reply = talk.answer(line);
      if (reply !== null) socket.write(reply);
    }
  });
  socket.write(script.greeting);
}

export async function serve(script: Script): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (script.implicitTls !== true) return converse(socket, script);
    const secured = new TLSSocket(socket, { isServer: true, ...script.tls });
    secured.on('error', () => secured.destroy());
    converse(secured, script);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}
