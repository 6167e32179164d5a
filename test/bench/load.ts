// Sends messages over SMTP as fast as the server accepts them; runs on a host of the lab's network.
// usage: load.ts HOST PORT CONNECTIONS MESSAGES BYTES RECIPIENT…

import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

const [host = '', port = '25', connections = '1', messages = '1', bytes = '5000', ...recipients] =
  process.argv.slice(2);

const WORDS =
  'the quarterly figures are attached please have a look and tell me what you think about them before friday '.split(
    ' ',
  );

function body(size: number): string {
  const lines: string[] = [];
  let length = 0;
  while (length < size) {
    const line = Array.from(
      { length: 11 },
      () => WORDS[Math.floor(Math.random() * WORDS.length)],
    ).join(' ');
    lines.push(line);
    length += line.length + 2;
  }
  return lines.join('\r\n');
}

/** Returns one reply per call; a multi-line reply counts once. */
function answers(socket: Socket): () => Promise<string> {
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  return async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error('the server closed the connection');
      if (!/^\d{3}-/.test(value)) return value;
    }
  };
}

/** The server allows 8 connections per address, so every eight connections use another one. */
const senderOf = (connection: number) => `198.51.100.${30 + Math.floor(connection / 8)}`;

async function sendAll(connection: number, next: () => number | null): Promise<void> {
  const socket = createConnection({
    host,
    port: Number(port),
    localAddress: senderOf(connection),
  });
  socket.setNoDelay(true);
  const answer = answers(socket);
  const say = async (line: string, wanted: string) => {
    socket.write(`${line}\r\n`);
    const reply = await answer();
    if (!reply.startsWith(wanted)) throw new Error(`${line.slice(0, 40)}: ${reply}`);
  };
  await answer();
  await say('EHLO load.outside.test', '250');
  for (let n = next(); n !== null; n = next()) {
    const to = recipients[n % recipients.length];
    await say('MAIL FROM:<load@outside.test>', '250');
    await say(`RCPT TO:<${to}>`, '250');
    await say('DATA', '354');
    const head = [
      'From: Load <load@outside.test>',
      `To: ${to}`,
      `Subject: figures ${n}`,
      `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${crypto.randomUUID()}@outside.test>`,
    ];
    await say(`${head.join('\r\n')}\r\n\r\n${body(Number(bytes))}\r\n.`, '250');
  }
  socket.end('QUIT\r\n');
}

let sent = 0;
const next = () => (sent < Number(messages) ? sent++ : null);
await Promise.all(
  Array.from({ length: Number(connections) }, (_, connection) => sendAll(connection, next)),
);
