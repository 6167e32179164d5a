// Clients that hold connections: silent, slow, half-way through a TLS handshake, or with endless commands. Other
// clients are served, on every port.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const ONE = ['203.0.113.66'];
const HANDFUL = [1, 2, 3, 4, 5].map((n) => `203.0.113.${100 + n}`);
/** More than the process limit of any port. */
const CONNECTIONS = 80;
const BOUND = 5000;

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  // Tests the limits alone, without bans
  box = await lab.appliance({ features: { greylist: 0 }, fail2ban: { max_retry: 1000 } }, [
    'alice',
  ]);
}, 300_000);

afterAll(() => lab?.down());

/** Opens as many connections from each address as the server allows. */
async function hold(port: number, addresses: readonly string[]): Promise<Socket[]> {
  const held: Socket[] = [];
  for (const from of addresses) {
    const wanted = Array.from({ length: CONNECTIONS }, () =>
      lab.wan.connect({ host: NETWORK.router.wan, port, from }).catch(() => null),
    );
    for (const socket of await Promise.all(wanted)) {
      if (socket === null) continue;
      // A refused connection is expected
      socket.on('error', () => socket.destroy());
      held.push(socket);
    }
  }
  return held;
}

async function during<T>(held: readonly Socket[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    for (const socket of held) socket.destroy();
  }
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round(performance.now() - start);
}

const legitimate: Record<number, () => Promise<unknown>> = {
  25: async () => {
    const session = await lab.wan.smtp({ from: NETWORK.stranger });
    expect(session.greeting.code).toBe(220);
    session.close();
  },
  587: async () => {
    const session = await lab.lan.smtp({ port: 587 });
    expect(session.greeting.code).toBe(220);
    session.close();
  },
  465: async () => {
    const session = await lab.lan.smtp({ port: 465, tls: true });
    expect(session.greeting.code).toBe(220);
    session.close();
  },
  143: async () => {
    const session = await lab.lan.imap();
    expect(session.greeting).toContain('OK');
    session.close();
  },
  993: async () => (await lab.lan.mailbox(ALICE)).close(),
  4190: async () => {
    const session = await lab.lan.sieve();
    expect(session.capabilities.status).toBe('OK');
    session.close();
  },
};

describe.each([25, 587, 465, 143, 993, 4190])('port %p', (port) => {
  test.each([
    ['one address', ONE],
    ['five addresses', HANDFUL],
  ])(
    'greets another client within 5 s while %s hold silent connections',
    async (_, from) => {
      const held = await hold(port, from);
      await during(held, async () => {
        for (let n = 0; n < 3; n += 1) {
          const took = await milliseconds(legitimate[port] ?? (() => Promise.reject(port)));
          expect(took, `ms to a greeting on ${port}`).toBeLessThan(BOUND);
        }
      });
    },
    120_000,
  );
});

test('mail is received and submitted while one address has silent connections to all ports', async () => {
  const held = (await Promise.all([25, 587, 465].map((port) => hold(port, ONE)))).flat();
  await during(held, async () => {
    const head = { from: 'visitor@outside.test', to: ALICE.user, subject: 'from outside' };
    const envelope = { from: head.from, to: [ALICE.user], message: plainMessage(head) };
    const taken = await milliseconds(async () => {
      const reply = await lab.wan.deliver(envelope, { from: NETWORK.stranger });
      expect(reply.code).toBe(250);
    });
    const mail = { from: ALICE.user, to: ALICE.user, subject: 'from inside', text: 'Hello.' };
    const sent = await milliseconds(async () =>
      expect(await lab.lan.submit(ALICE, mail)).toStartWith('250'),
    );
    expect(taken, 'ms to take a message on 25').toBeLessThan(BOUND);
    expect(sent, 'ms to submit one').toBeLessThan(BOUND);
  });
}, 120_000);

/** Sends one byte after the other, until the connection closes. */
function drip(socket: Socket, text: string): void {
  let sent = 0;
  const timer = setInterval(() => {
    socket.write(text[sent % text.length] ?? '');
    sent += 1;
  }, 500);
  socket.on('close', () => clearInterval(timer));
}

/** The beginning of a TLS record with a ClientHello of 512 bytes (RFC 8446 section 5.1). */
const HALF_A_HELLO = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);

async function serveOthers(ports: number[]): Promise<void> {
  for (const port of ports) {
    const took = await milliseconds(legitimate[port] ?? (() => Promise.reject(port)));
    expect(took, `ms to a greeting on ${port}`).toBeLessThan(BOUND);
  }
}

const ALL_PORTS = Object.keys(legitimate).map(Number);

describe('other clients are greeted within 5 s', () => {
  test('while five addresses hold all connections they may and send a byte every half second', async () => {
    const held = await hold(25, HANDFUL);
    for (const socket of held) drip(socket, 'MAIL FROM:<slow@outside.test>');
    // four sessions of each address, and two that Postfix refuses; nftables refuses the rest
    expect(held).toHaveLength(HANDFUL.length * 6);
    await during(held, () => serveOthers([...ALL_PORTS, ...ALL_PORTS]));
  }, 120_000);

  test.each([465, 993])(
    'while five addresses stop in the middle of the TLS handshake on port %p',
    async (port) => {
      const held = await hold(port, HANDFUL);
      for (const socket of held) socket.write(HALF_A_HELLO);
      await during(held, () => serveOthers([...ALL_PORTS, port]));
    },
    120_000,
  );

  test('while a session names 10,000 recipients, of which it may name 1000', async () => {
    const session = await lab.wan.smtp({ from: NETWORK.stranger });
    await session.hello();
    await session.command('MAIL FROM:<visitor@outside.test>');
    const names = Array.from({ length: 10_000 }, (_, n) => `RCPT TO:<alice+${n}@example.test>`);
    const codes: Record<number, number> = {};
    let others: Promise<void> | null = null;
    for (const name of names) {
      const reply = await session.command(name).catch(() => null);
      if (reply === null) break;
      codes[reply.code] = (codes[reply.code] ?? 0) + 1;
      others ??= serveOthers(ALL_PORTS);
      if (reply.code === 421) break;
    }
    session.close();
    await others;
    expect(codes[250]).toBe(1000);
    // 1000 more are deferred without being counted (smtpd_recipient_overshoot_limit); then 20 errors end the session
    expect(codes[452]).toBeLessThan(1100);
  }, 120_000);
});

test.each([465, 993])(
  'port %p refuses a renegotiation',
  async (port) => {
    const client = `openssl s_client -tls1_2 -connect ${NETWORK.router.wan}:${port}`;
    // The greeting comes first: it may not arrive in the middle of the new handshake
    const words = ['sh', '-c', `{ sleep 1; echo R; sleep 1; } | ${client}`];
    const { stdout, stderr } = await lab.wan.run(words, { timeout: 20_000 });
    expect(stdout).toContain('Protocol  : TLSv1.2');
    expect(`${stdout}${stderr}`).toContain('RENEGOTIATING');
    expect(`${stdout}${stderr}`).toMatch(/no renegotiation/);
  },
  30_000,
);

test('an address whose sessions keep timing out is banned', async () => {
  // three timeouts, fewer than the sessions that one address may have
  await box.configure({ fail2ban: { max_retry: 1 } });
  const custom = join(box.data, 'custom/postfix-main.cf');
  await Bun.write(custom, 'smtpd_timeout = 2s\n');
  await box.does('apply');
  const silent = '203.0.113.99';
  const isBanned = async () => (await box.does('fail2ban list --json')).includes(silent);
  await during(await hold(25, [silent]), () =>
    waitFor('the ban', async () => ((await isBanned()) ? true : undefined), 60_000),
  );
}, 120_000);

/** The cipher that port 25 negotiates with a client that offers only these. */
async function cipher(options: ConnectionOptions): Promise<string> {
  const session = await lab.wan.smtp({ from: NETWORK.stranger });
  await session.hello();
  expect((await session.command('STARTTLS')).code).toBe(220);
  try {
    return (await session.startTls({ ...options, maxVersion: 'TLSv1.2' })).cipher;
  } finally {
    session.close();
  }
}

test('port 25 has the cipher suites of real servers, and no anonymous ones', async () => {
  const anonymous = { ciphers: 'aNULL:@SECLEVEL=0' };
  await expect(cipher(anonymous)).rejects.toThrow();
  expect(
    await cipher({ ciphers: 'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384' }),
  ).toContain('AES_256_GCM');
  expect(await cipher({ ciphers: 'ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA' })).toContain(
    'AES_128_CBC',
  );
});
