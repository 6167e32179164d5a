// Opens TCP connections for a test from any lab host and any of its addresses.

import { mkdir } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { onHost } from './network.ts';
import { type HostName, RUN_DIRECTORY } from './plan.ts';

export interface Dial {
  host: string;
  port: number;
  /** source address; the host's own choice when absent */
  from?: string;
}

export type Connect = (dial: Dial) => Promise<Socket>;

const PROGRAM = fileURLToPath(new URL('agent.mjs', import.meta.url));

/**
 * Starts the agent on a host; returns a function that opens connections there and fails with the system's error code.
 * @param name another one for a second agent on the same host
 */
export async function startAgent(host: HostName, name: string = host): Promise<Connect> {
  await mkdir(RUN_DIRECTORY, { recursive: true });
  const path = `${RUN_DIRECTORY}/${name}.sock`;
  const child = Bun.spawn(onHost(host, ['node', PROGRAM, path]), {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  child.unref();
  const { done } = await child.stdout.getReader().read();
  if (done) throw new Error(`no agent on ${host}`);
  return (dial) => dialThrough(path, dial);
}

function dialThrough(path: string, dial: Dial): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path }, () => socket.write(`${JSON.stringify(dial)}\n`));
    let head = Buffer.alloc(0);
    const fail = (reason: string) => {
      socket.destroy();
      reject(new Error(`${dial.host}:${dial.port}: ${reason}`));
    };
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('closed'));
    socket.on('data', (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(10);
      if (end < 0) return;
      const answer = JSON.parse(head.subarray(0, end).toString()) as { error?: string };
      if (answer.error !== undefined) return fail(answer.error);
      socket.pause();
      socket.removeAllListeners('data').removeAllListeners('close').removeAllListeners('error');
      if (head.length > end + 1) socket.unshift(head.subarray(end + 1));
      resolve(socket);
    });
  });
}
