// A small IMAP client: sends commands as written and collects the untagged responses with their literals.

import type { Connect, Dial } from '../lab/agent.ts';
import { type Connection, openConnection } from './connection.ts';

export interface ImapReply {
  status: 'OK' | 'NO' | 'BAD';
  /** the text after the status of the tagged response */
  text: string;
  /** untagged responses without `* `; literals are inserted as text */
  untagged: string[];
}

export interface ImapSession extends Connection {
  greeting: string;
  /** A command whose `{n}` literals are given separately: `APPEND INBOX {}` with one literal. */
  command(line: string, literals?: string[]): Promise<ImapReply>;
  /** Like `command`, but throws on a response other than OK. */
  ok(line: string, literals?: string[]): Promise<ImapReply>;
  starttls(): Promise<ImapReply>;
  login(user: string, password: string): Promise<ImapReply>;
  /** Whole messages of a mailbox, oldest first. */
  messages(mailbox: string): Promise<string[]>;
  /** One response of the server with its literals; for IDLE. */
  readAnswer(timeout?: number): Promise<string>;
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

export async function openImap(
  connect: Connect,
  dial: Dial & { tls?: boolean },
): Promise<ImapSession> {
  const connection = openConnection(await connect(dial));
  if (dial.tls) await connection.startTls();
  let count = 0;

  const readAnswer = async (timeout?: number): Promise<string> => {
    let answer = await connection.readLine(timeout);
    for (;;) {
      const literal = /\{(\d+)\}$/.exec(answer);
      if (literal === null) return answer;
      const bytes = await connection.readBytes(Number(literal[1]), timeout);
      answer = answer.slice(0, literal.index) + bytes.toString('latin1');
      answer += await connection.readLine(timeout);
    }
  };

  const command = async (line: string, literals: string[] = []): Promise<ImapReply> => {
    const tag = `t${++count}`;
    const untagged: string[] = [];
    const parts = withLiterals(`${tag} ${line}`, literals);
    connection.write(parts.shift() ?? '');
    for (;;) {
      const answer = await readAnswer();
      if (answer.startsWith('+ ')) connection.write(parts.shift() ?? '');
      else if (answer.startsWith(`${tag} `)) return tagged(answer.slice(tag.length + 1), untagged);
      else untagged.push(answer.replace(/^\* /, ''));
    }
  };

  const ok = async (line: string, literals?: string[]): Promise<ImapReply> => {
    const reply = await command(line, literals);
    if (reply.status !== 'OK') throw new Error(`IMAP ${line}: ${reply.status} ${reply.text}`);
    return reply;
  };

  const greeting = await readAnswer();
  return Object.assign(Object.create(connection) as Connection, {
    greeting,
    command,
    ok,
    readAnswer,
    starttls: async () => {
      const reply = await command('STARTTLS');
      if (reply.status === 'OK') await connection.startTls();
      return reply;
    },
    login: (user: string, password: string) => command(`LOGIN ${quoted(user)} ${quoted(password)}`),
    messages: async (mailbox: string) => {
      const { untagged } = await ok(`SELECT ${quoted(mailbox)}`);
      if (untagged.includes('0 EXISTS')) return [];
      const fetched = await ok('FETCH 1:* BODY.PEEK[]');
      return fetched.untagged.filter((answer) => answer.includes('BODY[]')).map(bodyOf);
    },
  });
}

function withLiterals(line: string, literals: string[]): (string | Buffer)[] {
  const pieces = line.split('{}');
  return pieces.map((piece, index) => {
    const before = index === 0 ? '' : literals[index - 1];
    const next = literals[index];
    const size = next === undefined ? '' : `{${Buffer.byteLength(next, 'latin1')}}`;
    return Buffer.from(`${before}${piece}${size}\r\n`, 'latin1');
  });
}

function tagged(text: string, untagged: string[]): ImapReply {
  const [status = ''] = text.split(' ', 1);
  return { status: status as ImapReply['status'], text: text.slice(status.length + 1), untagged };
}

const bodyOf = (answer: string): string =>
  answer.replace(/^\d+ FETCH \((?:[A-Z]+ \S+ )*BODY\[\] /, '').replace(/(?: [A-Z]+ \S+)*\)$/, '');
