// The login trial against real listeners that accept, refuse and do not reply.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planNetwork } from '../../../src/appliance/container/network.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { describeTrial, tryLogin } from '../../../src/appliance/probe/login-trial.ts';
import { ensureProbePassword, readProbePassword } from '../../../src/appliance/probe/secret.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import type { Settings } from '../../../src/appliance/settings/settings.ts';
import { ensureCertificate } from '../../../src/appliance/tls/tls.ts';
import { createHost } from '../../../src/host/host.ts';
import { type Script, serve } from './server.ts';

const host = createHost({ root: '/', env: process.env, say: () => undefined });
const OFF: Settings['ports'] = {
  ...{ smtp: null, submission: null, smtps: null, imap: null, imaps: null },
  ...{ pop3: null, pop3s: null, sieve: null },
};

let root: string;
let servers: Server[];
let sockets: Socket[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailctl-login-'));
  servers = [];
  sockets = [];
  const generation = join(root, 'rendered/g1');
  mkdirSync(generation, { recursive: true });
  const present = {
    ...{ exists: false, ours: false, mtu: null, vlans: null },
    addresses: [],
    addresses6: [],
  };
  const network = { ...planNetwork(defaultSettings(), present, 'host'), address: '127.0.0.1/8' };
  const part = { network, lxcConfig: '', seccomp: '', image: '', inputs: {} };
  writeFileSync(join(generation, 'host.json'), JSON.stringify(part));
  symlinkSync('g1', join(root, 'rendered/current'));
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  rmSync(root, { recursive: true });
});

function targetWith(ports: Partial<Settings['ports']>) {
  const base = defaultSettings();
  const main = { ...base.main, dataPath: root, hostname: 'mail.example.com' };
  const settings: Settings = { ...base, main, ports: { ...OFF, ...ports } };
  return { settings, paths: appliancePaths(settings) };
}

/** An IMAP server over TLS with this reply to LOGIN; null: no reply. */
async function imaps(answer: (line: string) => string | null): Promise<number> {
  const target = targetWith({});
  await ensureCertificate(host, target);
  const { privateKey, chain } = await readPem();
  const script: Script = {
    greeting: '* OK ready\r\n',
    implicitTls: true,
    tls: { key: privateKey, cert: chain },
    open: () => ({
      answer: (line) => {
        if (line === 'a CAPABILITY') return '* CAPABILITY IMAP4rev1\r\na OK done\r\n';
        return line.startsWith('a LOGIN') ? answer(line) : 'a OK done\r\n';
      },
    }),
  };
  const { port, server } = await serve(script);
  servers.push(server);
  return port;
}

async function readPem() {
  const file = (name: string) => Bun.file(join(root, 'ssl', name)).text();
  return { privateKey: await file('privkey.pem'), chain: await file('fullchain.pem') };
}

async function silent(): Promise<number> {
  const server = createServer((socket) => sockets.push(socket));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('a login with the password of the probe account works', async () => {
  await ensureProbePassword(host, targetWith({}));
  const password = await readProbePassword(host, targetWith({}).paths);
  const port = await imaps((line) =>
    line === `a LOGIN probe@probe.invalid "${password}"` ? 'a OK in\r\n' : 'a NO no\r\n',
  );

  const trial = await tryLogin(host, targetWith({ imaps: port }), 5000);

  expect(trial).toEqual({ outcome: 'works', service: 'imaps', said: '' });
});

test('a refused login is refused, not silent', async () => {
  const port = await imaps(() => 'a NO [UNAVAILABLE] try later\r\n');

  const trial = await tryLogin(host, targetWith({ imaps: port }), 5000);

  expect(trial?.outcome).toBe('refused');
  expect(trial?.said).toContain('UNAVAILABLE');
});

test.each([
  ['after the password', () => imaps(() => null)],
  ['before its greeting', silent],
])('a server that sends nothing %s is silent after the limit', async (_, listen) => {
  const trial = await tryLogin(host, targetWith({ imaps: await listen() }), 300);

  expect(trial?.outcome).toBe('silent');
  expect(trial && describeTrial(trial, 300)).toBe('a login on imaps timed out after 0.3 s');
});

test('a closed port is refused, not silent', async () => {
  expect((await tryLogin(host, targetWith({ pop3s: 1 }), 5000))?.outcome).toBe('refused');
});

test('the trial is null without a port for logins, and before the first install', async () => {
  expect(await tryLogin(host, targetWith({ smtp: 25, sieve: 4190 }), 300)).toBeNull();
  rmSync(join(root, 'rendered'), { recursive: true });
  expect(await tryLogin(host, targetWith({ imaps: 993 }), 300)).toBeNull();
});
