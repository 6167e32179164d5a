// Runs under Node.js in a network namespace and opens TCP connections there for the clients of its Unix socket: reads one
// line of JSON {"host","port","from"}, writes one line, then relays the connection in both directions.

import { createConnection, createServer } from 'node:net';

const [path] = process.argv.slice(2);

createServer({ allowHalfOpen: true }, (client) => {
  let head = Buffer.alloc(0);
  client.on('error', () => client.destroy());
  client.on('data', function collect(chunk) {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(10);
    if (end < 0) return;
    client.off('data', collect);
    client.pause();
    open(client, JSON.parse(head.subarray(0, end).toString()));
  });
}).listen(path, () => console.log('ready'));

function open(client, { host, port, from }) {
  const remote = createConnection({ host, port, localAddress: from, allowHalfOpen: true });
  let answered = false;
  remote.on('connect', () => {
    answered = true;
    client.write(`${JSON.stringify({ from: remote.localAddress })}\n`);
    client.pipe(remote);
    remote.pipe(client);
  });
  remote.on('error', (error) => {
    // A Unix socket cannot be reset, so the test sees the end of its connection
    if (answered) client.destroy();
    else client.end(`${JSON.stringify({ error: error.code ?? error.message })}\n`);
  });
  client.on('close', () => remote.destroy());
}
