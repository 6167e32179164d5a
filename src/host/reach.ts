// Tests whether an address responds, without a listening port.

import { connect } from 'node:net';

/** Responses of the remote kernel: the port is not listening, and packets pass in both directions. */
const ANSWERS = ['ECONNREFUSED', 'ECONNRESET'];

/**
 * One TCP handshake to any port: a refused one also counts, and leaves no log line in a daemon.
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
