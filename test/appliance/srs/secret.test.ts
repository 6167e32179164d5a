import { afterEach, beforeEach, expect, test } from 'bun:test';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import {
  ensureSrsSecrets,
  readSrsSecrets,
  rotateSrsSecret,
} from '../../../src/appliance/srs/secret.ts';
import { createHost } from '../../../src/host/host.ts';

const host = createHost({ root: '/', env: process.env, say: () => undefined });
let root: string;

function target() {
  const base = defaultSettings();
  const settings = { ...base, main: { ...base.main, dataPath: root } };
  return { settings, paths: appliancePaths(settings) };
}

const file = () => join(root, 'srs.secret');
const read = () => readSrsSecrets(host, target().paths);

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'hk-srs-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

test('the secret is made once, differs between installations, and is readable by root only', async () => {
  await ensureSrsSecrets(host, target());
  const first = await read();
  expect(first).toEqual({ signing: expect.stringMatching(/^[\w-]{32}$/), former: null });
  expect(fs.statSync(file()).mode & 0o777).toBe(0o600);
  await ensureSrsSecrets(host, target());
  expect(await read()).toEqual(first);
  fs.rmSync(file());
  await ensureSrsSecrets(host, target());
  expect((await read()).signing).not.toBe(first.signing);
});

test('a rotation keeps only the last former secret', async () => {
  await ensureSrsSecrets(host, target());
  const { signing: first } = await read();
  await rotateSrsSecret(host, target());
  const { signing: second, former } = await read();
  expect(former).toBe(first);
  expect(second).not.toBe(first);
  await rotateSrsSecret(host, target());
  expect((await read()).former).toBe(second);
});

test('owner and mode are fixed without a new secret, as after a copy to another machine', async () => {
  await ensureSrsSecrets(host, target());
  const before = await read();
  fs.chmodSync(file(), 0o644);
  await ensureSrsSecrets(host, target());
  expect(fs.statSync(file()).mode & 0o777).toBe(0o600);
  expect(await read()).toEqual(before);
});

test.each(['', 'short\n', `${'a'.repeat(32)}\n${'b'.repeat(31)} \n`])(
  'a damaged file is reported and not replaced (%j)',
  async (text) => {
    fs.writeFileSync(file(), text);
    await expect(ensureSrsSecrets(host, target())).rejects.toThrow('one or two SRS secrets');
    await expect(rotateSrsSecret(host, target())).rejects.toThrow('one or two SRS secrets');
    expect(fs.readFileSync(file(), 'utf8')).toBe(text);
  },
);
