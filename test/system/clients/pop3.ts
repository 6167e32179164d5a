// A minimal POP3 client.

import type { Connect, Dial } from '../lab/agent.ts';
import { type Connection, openConnection } from './connection.ts';

export interface Pop3Session extends Connection {
  greeting: string;
  /** A command with a one-line response. */
  command(line: string): Promise<string>;
  /** A command with a multi-line response, which ends with a dot. */
  lines(line: string): Promise<string[]>;
  starttls(): Promise<string>;
  /** USER and PASS; returns the last response. */
  login(user: string, password: string): Promise<string>;
}

export async function openPop3(
  connect: Connect,
  dial: Dial & { tls?: boolean },
): Promise<Pop3Session> {
  const connection = openConnection(await connect(dial));
  if (dial.tls) await connection.startTls();
  const command = (line: string): Promise<string> => {
    connection.say(line);
    return connection.readLine();
  };
  const greeting = await connection.readLine();
  return Object.assign(Object.create(connection) as Connection, {
    greeting,
    command,
    lines: async (line: string) => {
      const answer = await command(line);
      if (!answer.startsWith('+OK')) throw new Error(`POP3 ${line}: ${answer}`);
      const lines: string[] = [];
      for (;;) {
        const text = await connection.readLine();
        if (text === '.') return lines;
        lines.push(text.replace(/^\./, ''));
      }
    },
    starttls: async () => {
      const answer = await command('STLS');
      if (answer.startsWith('+OK')) await connection.startTls();
      return answer;
    },
    login: async (user: string, password: string) => {
      const known = await command(`USER ${user}`);
      return known.startsWith('+OK') ? command(`PASS ${password}`) : known;
    },
  });
}
