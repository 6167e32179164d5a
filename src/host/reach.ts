// Whether an address answers at all, whatever listens there.

import { connect } from 'node:net';

/** Its kernel has spoken: nothing listens on the port, and the packets go both ways. */
const ANSWERS = ['ECONNREFUSED', 'ECONNRESET'];

/**
 * One TCP handshake, to a port where nothing needs to listen: unlike one to a daemon it leaves no log line.
 * @param timeout milliseconds
 */
export function isReachable(address: string, port: number, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeout, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(ANSWERS.includes(code ?? '')));
  });
}
