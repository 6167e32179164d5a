// Sends messages over SMTP as fast as the server accepts them; runs on a host of the lab's network. The messages pass
// SPF, DKIM and DMARC; they are signed before the line `ready`, and sent after a line on standard input.
// usage: load.ts HOST PORT CONNECTIONS MESSAGES BYTES KEY RECIPIENT…; KEY is the file of the key of SELECTOR

import { readFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { dkimSign } from 'mailauth';
import { SELECTOR, SENDER_DOMAIN, sourceOf } from './sender.ts';

const [host = '', port = '25', connections = '1', messages = '1', bytes = '5000', ...words] =
  process.argv.slice(2);
const [keyFile = '', ...recipients] = words;
const privateKey = readFileSync(keyFile, 'utf8');

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

async function signedMessage(n: number, to: string): Promise<string> {
  const text = [
    `From: Load <load@${SENDER_DOMAIN}>`,
    `To: ${to}`,
    `Subject: figures ${n}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${crypto.randomUUID()}@${SENDER_DOMAIN}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    `${body(Number(bytes))}\r\n`,
  ].join('\r\n');
  const key = { signingDomain: SENDER_DOMAIN, selector: SELECTOR, privateKey };
  // An option that its types lack but its code reads
  const options = { ...key, signatureData: [{ ...key, canonicalization: 'relaxed/relaxed' }] };
  return `${(await dkimSign(text, options)).signatures}${text}`;
}

const recipientOf = (n: number) => recipients[n % recipients.length] ?? '';

async function signedMessages(): Promise<string[]> {
  const signed: string[] = [];
  for (let n = 0; n < Number(messages); n += 1) signed.push(await signedMessage(n, recipientOf(n)));
  return signed;
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

async function sendAll(
  connection: number,
  signed: string[],
  next: () => number | null,
): Promise<void> {
  const { address, name } = sourceOf(connection);
  const socket = createConnection({ host, port: Number(port), localAddress: address });
  socket.setNoDelay(true);
  const answer = answers(socket);
  const say = async (line: string, wanted: string) => {
    socket.write(`${line}\r\n`);
    const reply = await answer();
    if (!reply.startsWith(wanted)) throw new Error(`${line.slice(0, 40)}: ${reply}`);
  };
  await answer();
  await say(`EHLO ${name}`, '250');
  for (let n = next(); n !== null; n = next()) {
    await say(`MAIL FROM:<load@${SENDER_DOMAIN}>`, '250');
    await say(`RCPT TO:<${recipientOf(n)}>`, '250');
    await say('DATA', '354');
    await say(`${signed[n]}.`, '250');
  }
  socket.end('QUIT\r\n');
}

async function oneLine(): Promise<void> {
  for await (const _ of createInterface({ input: process.stdin })) return;
}

const signed = await signedMessages();
console.log('ready');
await oneLine();
let sent = 0;
const next = () => (sent < signed.length ? sent++ : null);
await Promise.all(
  Array.from({ length: Number(connections) }, (_, connection) => sendAll(connection, signed, next)),
);
process.exit(0);
