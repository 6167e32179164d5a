import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import * as fs from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkPlan } from '../../../src/appliance/container/network.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { plannedProbes, probeAppliance } from '../../../src/appliance/probe/probe.ts';
import { ensureProbePassword, readProbePassword } from '../../../src/appliance/probe/secret.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import type { Settings } from '../../../src/appliance/settings/settings.ts';
import { ensureCertificate } from '../../../src/appliance/tls/tls.ts';
import { createHost } from '../../../src/host/host.ts';
import { type Script, serve } from './server.ts';

const host = createHost({ root: '/', env: process.env, say: () => undefined });
const ALL_OFF: Settings['ports'] = {
  ...{ smtp: null, submission: null, smtps: null, imap: null, imaps: null },
  ...{ pop3: null, pop3s: null, sieve: null },
};
const network = { address: '127.0.0.1/8' } as NetworkPlan;

let root: string;
let tls: Script['tls'];
let password: string;
let servers: Server[] = [];

function targetWith(ports: Partial<Settings['ports']>) {
  const base = defaultSettings();
  const main = { ...base.main, dataPath: root, hostname: 'mail.example.com' };
  const settings: Settings = { ...base, main, ports: { ...ALL_OFF, ...ports } };
  return { settings, paths: appliancePaths(settings) };
}

async function start(script: Omit<Script, 'tls'>): Promise<number> {
  const { port, server } = await serve({ tls, ...script });
  servers.push(server);
  return port;
}

async function startRaw(work: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer({}, work);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const probe = (ports: Partial<Settings['ports']>, timeout = 3000) =>
  probeAppliance(host, targetWith(ports), network, { timeout });

/** Message-IDs that the SMTP script accepted. */
let mailbox: string[] = [];

function smtpTalk(options: { auth?: boolean; refuse?: RegExp } = {}): Script['open'] {
  return () => {
    let inData = false;
    return {
      answer: (line) => {
        if (options.refuse?.test(line)) return '451 4.7.1 Service unavailable\r\n';
        if (inData) {
          const id = /^Message-ID: <([^@]+)@/.exec(line)?.[1];
          if (id !== undefined) mailbox.push(id);
          if (line !== '.') return null;
          inData = false;
          return '250 2.0.0 Ok: queued as 4Test\r\n';
        }
        if (line.startsWith('EHLO')) {
          const offers = [
            'mail.example.com',
            'STARTTLS',
            ...(options.auth ? ['AUTH PLAIN LOGIN'] : []),
          ];
          return `${offers.map((offer) => `250-${offer}`).join('\r\n')}\r\n250 CHUNKING\r\n`;
        }
        if (line.startsWith('AUTH PLAIN ')) {
          const [, user, secret] = Buffer.from(line.slice(11), 'base64').toString().split('\0');
          const good = user === 'probe@probe.invalid' && secret === password;
          return good ? '235 2.7.0 ok\r\n' : '535 5.7.8 no\r\n';
        }
        if (line === 'DATA') inData = true;
        if (line === 'DATA') return '354 go on\r\n';
        return line === 'QUIT' ? '221 2.0.0 Bye\r\n' : '250 2.1.0 Ok\r\n';
      },
    };
  };
}

const smtpStarttls = { command: /^STARTTLS$/, reply: '220 2.0.0 go\r\n' };
const SMTP_GREETING = '220 mail.example.com ESMTP\r\n';

const imapTalk: Script['open'] = () => ({
  answer: (line) => {
    const ok = (untagged = '') => `${untagged}a OK done\r\n`;
    if (line.startsWith('a CAPABILITY')) return ok('* CAPABILITY IMAP4rev1 STARTTLS\r\n');
    if (line.startsWith('a LOGIN')) {
      return line.includes(`"${password}"`) ? ok() : 'a NO [AUTHENTICATIONFAILED] no\r\n';
    }
    const search = /^a UID SEARCH HEADER Message-ID (\S+)$/.exec(line)?.[1];
    if (search === undefined) return ok();
    return ok(`* SEARCH${mailbox.includes(search) ? ' 7' : ''}\r\n`);
  },
});

beforeAll(async () => {
  root = fs.mkdtempSync(join(tmpdir(), 'hk-probe-'));
  await ensureCertificate(host, targetWith({}));
  await ensureProbePassword(host, targetWith({}));
  password = await readProbePassword(host, targetWith({}).paths);
  const read = (name: string) => fs.readFileSync(join(root, 'ssl', name), 'utf8');
  tls = { cert: read('fullchain.pem'), key: read('privkey.pem') };
});
afterEach(() => {
  for (const server of servers) server.close();
  servers = [];
  mailbox = [];
});
afterAll(() => fs.rmSync(root, { recursive: true }));

describe('the probes', () => {
  test('follow the settings: a disabled service is not probed', () => {
    const names = (ports: Partial<Settings['ports']>) =>
      plannedProbes(targetWith(ports).settings).map(({ name }) => name);
    expect(names({})).toEqual([]);
    expect(names({ smtp: 25 })).toEqual(['smtp']);
    expect(names({ pop3s: 995 })).toEqual(['pop3s', 'login']);
    expect(names({ smtps: 465, imaps: 993 })).toEqual(['smtps', 'imaps', 'login', 'delivery']);
  });

  test('test listeners, a login and a delivery over real TLS', async () => {
    const submission = { greeting: SMTP_GREETING, open: smtpTalk({ auth: true }) };
    const results = await probe({
      smtp: await start({ greeting: SMTP_GREETING, open: smtpTalk(), starttls: smtpStarttls }),
      submission: await start({ ...submission, starttls: smtpStarttls }),
      smtps: await start({ ...submission, implicitTls: true }),
      imap: await start({
        greeting: '* OK ready\r\n',
        open: imapTalk,
        starttls: { command: /^a STARTTLS$/, reply: 'a OK begin\r\n' },
      }),
      imaps: await start({ greeting: '* OK ready\r\n', open: imapTalk, implicitTls: true }),
      pop3: await start({
        greeting: '+OK ready\r\n',
        open: () => ({ answer: () => '+OK\r\n' }),
        starttls: { command: /^STLS$/, reply: '+OK begin\r\n' },
      }),
      sieve: await start({
        greeting: '"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK "ready"\r\n',
        open: () => ({ answer: () => 'OK "bye"\r\n' }),
        starttls: {
          command: /^STARTTLS$/,
          reply: 'OK "begin"\r\n',
          again: '"SASL" "PLAIN LOGIN"\r\nOK "TLS"\r\n',
        },
      }),
    });
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results.map(({ name }) => name)).toEqual([
      ...['smtp', 'submission', 'smtps', 'imap', 'imaps', 'pop3', 'sieve', 'login', 'delivery'],
    ]);
    expect(results[0]?.measured).toBe(
      '220 mail.example.com ESMTP; TLSv1.3, certificate as installed',
    );
    expect(results.at(-1)?.measured).toBe('a message sent on submission arrived (read on imaps)');
  });

  test('retry until a server that is starting listens', async () => {
    const refused = Promise.withResolvers<void>();
    const port = await startRaw((socket) => {
      socket.destroy();
      refused.resolve();
    });
    const waiting = probe({ smtp: port });
    await refused.promise;
    servers[0]?.close();
    const { server } = await serve({
      ...{ tls, greeting: SMTP_GREETING, open: smtpTalk(), starttls: smtpStarttls },
    });
    servers.push(server);
    server.close();
    await new Promise((resolve) => server.once('close', resolve));
    server.listen(port, '127.0.0.1');
    expect((await waiting)[0]).toMatchObject({ name: 'smtp', ok: true });
  });

  const wrong: [string, string, Partial<Omit<Script, 'tls'>>][] = [
    [
      'another name',
      'expected mail.example.com, got "mx.other ESMTP"',
      { greeting: '220 mx.other ESMTP\r\n' },
    ],
    ['a refusal', 'expected 220, got "554 no"', { greeting: '554 no\r\n' }],
    ['no SMTP at all', 'expected 220, got "SSH-2.0-x"', { greeting: 'SSH-2.0-x\r\n' }],
    ['control characters', 'expected 220', { greeting: '\u001b[2J554\r\n' }],
    ['an endless line', 'sent a line of more than 8192 bytes', { greeting: 'x'.repeat(20_000) }],
    ['nothing', 'did not finish within', { greeting: '' }],
    [
      'an answer injected before TLS',
      'sent something before the TLS handshake',
      { starttls: { command: /^STARTTLS$/, reply: '220 go\r\n250 injected\r\n' } },
    ],
  ];

  test.each(wrong)('a server that sends %s fails with its reason', async (_, sentence, script) => {
    const whole = { greeting: SMTP_GREETING, open: smtpTalk(), starttls: smtpStarttls, ...script };
    const [result] = await probe({ smtp: await start(whole) }, 400);
    expect(result?.ok).toBe(false);
    expect(result?.measured).toContain(sentence);
    expect(result?.measured).not.toContain('\u001b');
  });

  test('a port that is not listening is reported with its address', async () => {
    const port = await startRaw(() => undefined);
    servers[0]?.close();
    const [result] = await probe({ smtp: port }, 300);
    expect(result?.measured).toBe(`127.0.0.1:${port} refuses the connection`);
  });

  test('a certificate other than the installed one fails', async () => {
    const port = await start({ greeting: SMTP_GREETING, open: smtpTalk(), starttls: smtpStarttls });
    const other = targetWith({ smtp: port });
    const moved = { ...other, paths: { ...other.paths, ssl: join(root, 'other') } };
    await ensureCertificate(host, moved);
    const [result] = await probeAppliance(host, moved, network, { timeout: 300 });
    expect(result?.measured).toMatch(/^the server shows certificate .*… instead of the installed /);
  });

  test('a message that does not arrive fails, and so does a message that is refused', async () => {
    const imaps = await start({
      greeting: '* OK ready\r\n',
      open: () => ({
        answer: (line) =>
          line.includes('SEARCH') ? '* SEARCH\r\na OK\r\n' : imapTalk().answer(line),
      }),
      implicitTls: true,
    });
    const open = smtpTalk({ auth: true });
    const smtps = await start({ greeting: SMTP_GREETING, open, implicitTls: true });
    const lost = await probe({ smtps, imaps }, 700);
    expect(lost.find(({ name }) => name === 'delivery')).toMatchObject({
      ok: false,
      measured: 'the message was accepted but did not arrive',
    });

    const refusing = smtpTalk({ auth: true, refuse: /^DATA$/ });
    const closed = await start({ greeting: SMTP_GREETING, open: refusing, implicitTls: true });
    const refused = await probe({ smtps: closed, imaps }, 500);
    expect(refused.find(({ name }) => name === 'delivery')?.measured).toContain('451 4.7.1');
  });

  test('a password that the server repeats is not in the result', async () => {
    const imaps = await start({
      greeting: '* OK ready\r\n',
      open: () => ({
        answer: (line) => (line.includes('LOGIN') ? `a NO ${line}\r\n` : imapTalk().answer(line)),
      }),
      implicitTls: true,
    });
    const result = (await probe({ imaps }, 300)).find(({ name }) => name === 'login');
    expect(result?.ok).toBe(false);
    expect(result?.measured).toContain('(secret)');
    expect(result?.measured).not.toContain(password);
  });
});

describe('the probe password', () => {
  test('is created once, readable by root only, of characters that need no quoting', async () => {
    expect(await ensureProbePassword(host, targetWith({}))).toEqual({ changed: false });
    expect(password).toMatch(/^[A-Za-z0-9_-]{32}$/);
    expect(fs.statSync(join(root, 'probe.secret')).mode & 0o777).toBe(0o600);
  });

  test('is random: without the file every read returns another password', async () => {
    const { paths } = targetWith({});
    const nowhere = { ...paths, data: join(root, 'nowhere') };
    const [one, two] = [
      await readProbePassword(host, nowhere),
      await readProbePassword(host, nowhere),
    ];
    expect(one).not.toBe(two);
  });
});

describe('a dialogue', () => {
  test('fails when the server sends more than 1 MiB', async () => {
    const port = await startRaw((socket) => {
      socket.on('error', () => socket.destroy());
      socket.write('x\r\n'.repeat(500_000));
    });
    const endless = host.sockets.dialogue(
      { address: '127.0.0.1', port, timeout: 5000 },
      async (dialogue) => {
        for (;;) await dialogue.readLine();
      },
    );
    await expect(endless).rejects.toThrow('sent more than 1048576 bytes');
  });

  test('times out if the server does not speak TLS', async () => {
    const port = await startRaw((socket) => socket.on('error', () => socket.destroy()));
    const silent = host.sockets.dialogue(
      { address: '127.0.0.1', port, timeout: 200, tls: true },
      async () => undefined,
    );
    await expect(silent).rejects.toThrow('did not finish within 200 ms');
  });
});
