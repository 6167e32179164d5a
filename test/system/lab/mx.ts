// The mail server of the outside world: the messages that it received, and its behaviour.

import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { TlsPair } from './certificate.ts';
import { onHost } from './network.ts';
import type { HostName } from './plan.ts';
import { waitFor } from './programs.ts';

export interface ReceivedMessage {
  from: string;
  to: string[];
  helo: string;
  client: string;
  /** `user:password` */
  login: string | null;
  tls: { name: string; standardName: string; version: string } | null;
  /** the message as received, with CRLF line ends */
  raw: string;
}

interface Refusal {
  code: number;
  text?: string;
}

/** Defaults: accept at once. `delay` is in milliseconds. */
export interface Behaviour {
  tls?: boolean;
  /** offers AUTH, and accepts any login */
  auth?: boolean;
  connect?: Partial<Refusal> & { delay?: number };
  mail?: Partial<Refusal> & { delay?: number };
  rcpt?: Partial<Refusal> & { delay?: number };
  data?: Partial<Refusal> & { delay?: number };
  recipients?: Record<string, Refusal>;
}

export interface OutsideMx {
  messages: ReceivedMessage[];
  /** Replaces the whole behaviour, from the next command of every session on. */
  behave(behaviour: Behaviour): Promise<void>;
  /** The first matching message, including earlier ones. */
  receive(fits: (message: ReceivedMessage) => boolean, timeout?: number): Promise<ReceivedMessage>;
  stop(): void;
}

type MxEvent =
  | { event: 'ready' | 'set' }
  | { event: 'error'; message: string }
  | ({ event: 'message' } & ReceivedMessage);

const PROGRAM = fileURLToPath(new URL('mx.mjs', import.meta.url));

export interface MxPlace {
  host: HostName;
  address: string;
  port?: number;
  pair: TlsPair;
}

export async function startMx({ host, address, port = 25, pair }: MxPlace): Promise<OutsideMx> {
  const child = Bun.spawn(
    onHost(host, ['node', PROGRAM, address, String(port), pair.certificate, pair.key]),
    { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' },
  );
  child.unref();
  const messages: ReceivedMessage[] = [];
  const state = { ready: false, settled: 0, asked: 0 };
  const lines = createInterface({ input: Readable.fromWeb(child.stdout) });
  lines.on('line', (line) => {
    const event = JSON.parse(line) as MxEvent;
    if (event.event === 'ready') state.ready = true;
    if (event.event === 'set') state.settled += 1;
    if (event.event === 'message') {
      messages.push({ ...event, raw: Buffer.from(event.raw, 'base64').toString('latin1') });
    }
  });
  await waitFor('the outside MX', () => state.ready || undefined);
  return {
    messages,
    behave: async (behaviour) => {
      state.asked += 1;
      child.stdin.write(`${JSON.stringify(behaviour)}\n`);
      await child.stdin.flush();
      await waitFor(
        'the MX to apply the behaviour',
        () => state.settled >= state.asked || undefined,
      );
    },
    receive: (fits, timeout = 20_000) =>
      waitFor('a message at the outside MX', () => messages.find(fits), timeout),
    stop: () => child.kill('SIGKILL'),
  };
}
