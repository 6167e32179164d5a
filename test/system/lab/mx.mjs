// An outside mail server without storage: runs under Node.js in a namespace, reads its behaviour as lines of JSON from
// standard input and reports each message as a line of JSON on standard output.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { SMTPServer } from 'smtp-server';

const [host, port, certificate, key] = process.argv.slice(2);
let behaviour = {};

const report = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const answer = (stage) => {
  const { code, text } = behaviour[stage] ?? {};
  return code === undefined
    ? null
    : Object.assign(new Error(text ?? 'as told'), { responseCode: code });
};

const after = (stage, callback) =>
  setTimeout(callback, behaviour[stage]?.delay ?? 0, answer(stage));

function serve() {
  const server = new SMTPServer({
    name: 'mx.outside.test',
    banner: 'outside world',
    cert: readFileSync(certificate),
    key: readFileSync(key),
    authOptional: true,
    disableReverseLookup: true,
    disabledCommands: [
      ...(behaviour.auth ? [] : ['AUTH']),
      ...(behaviour.tls === false ? ['STARTTLS'] : []),
    ],
    onAuth: ({ username, password }, _session, callback) =>
      callback(null, { user: `${username}:${password}` }),
    size: 50 * 1024 * 1024,
    onConnect: (_session, callback) => after('connect', callback),
    onMailFrom: (_address, _session, callback) => after('mail', callback),
    onRcptTo: ({ address }, _session, callback) => {
      const named = behaviour.recipients?.[address];
      if (named === undefined) return after('rcpt', callback);
      callback(Object.assign(new Error(named.text ?? 'as told'), { responseCode: named.code }));
    },
    onData: (stream, session, callback) => receive(stream, session, callback),
  });
  server.on('error', (error) => report({ event: 'error', message: error.message }));
  server.listen(Number(port), host, () => report({ event: 'ready' }));
  return server;
}

function receive(stream, session, callback) {
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => {
    const refusal = answer('data');
    if (refusal === null) {
      report({
        event: 'message',
        from: session.envelope.mailFrom ? session.envelope.mailFrom.address : '',
        to: session.envelope.rcptTo.map(({ address }) => address),
        helo: session.hostNameAppearsAs,
        client: session.remoteAddress,
        login: session.user || null,
        tls: session.secure ? session.tlsOptions : null,
        raw: Buffer.concat(chunks).toString('base64'),
      });
    }
    setTimeout(callback, behaviour.data?.delay ?? 0, refusal);
  });
}

let server = serve();
createInterface({ input: process.stdin }).on('line', (line) => {
  const { tls, auth } = behaviour;
  behaviour = JSON.parse(line);
  if (tls === behaviour.tls && auth === behaviour.auth) return report({ event: 'set' });
  server.close(() => {
    server = serve();
    report({ event: 'set' });
  });
});
