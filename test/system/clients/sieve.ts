// A minimal ManageSieve client (RFC 5804).

import type { Connect, Dial } from '../lab/agent.ts';
import { type Connection, openConnection } from './connection.ts';

export interface SieveReply {
  status: 'OK' | 'NO' | 'BYE';
  /** all text before the final line, with literals inserted */
  lines: string[];
  text: string;
}

export interface SieveSession extends Connection {
  capabilities: SieveReply;
  command(line: string): Promise<SieveReply>;
  starttls(): Promise<SieveReply>;
  login(user: string, password: string): Promise<SieveReply>;
  putScript(name: string, script: string): Promise<SieveReply>;
}

export async function openSieve(connect: Connect, dial: Dial): Promise<SieveSession> {
  const connection = openConnection(await connect(dial));

  const readReply = async (): Promise<SieveReply> => {
    const lines: string[] = [];
    for (;;) {
      let line = await connection.readLine();
      const literal = /\{(\d+)\+?\}$/.exec(line);
      if (literal !== null) {
        const bytes = await connection.readBytes(Number(literal[1]));
        line = line.slice(0, literal.index) + bytes.toString('latin1');
        line += await connection.readLine();
      }
      const status = /^(OK|NO|BYE)\b ?/.exec(line);
      if (status === null) lines.push(line);
      else return { status: status[1] as SieveReply['status'], lines, text: line };
    }
  };
  const command = (line: string): Promise<SieveReply> => {
    connection.say(line);
    return readReply();
  };

  const capabilities = await readReply();
  return Object.assign(Object.create(connection) as Connection, {
    capabilities,
    command,
    starttls: async () => {
      const reply = await command('STARTTLS');
      if (reply.status !== 'OK') return reply;
      await connection.startTls();
      // RFC 5804 section 2.2: the server sends its capabilities again after STARTTLS
      return readReply();
    },
    login: (user: string, password: string) => {
      const token = Buffer.from(`\0${user}\0${password}`).toString('base64');
      return command(`AUTHENTICATE "PLAIN" "${token}"`);
    },
    putScript: (name: string, script: string) =>
      command(`PUTSCRIPT "${name}" {${Buffer.byteLength(script)}+}\r\n${script}`),
  });
}
