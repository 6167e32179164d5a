// A bridge that mailctl only uses is waited for when it is gone, and never made in its place.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bridgeInUse } from '../../../src/appliance/container/bridge.ts';
import { planNetwork } from '../../../src/appliance/container/network.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { createHost, type Host } from '../../../src/host/host.ts';

const settings = defaultSettings();
const target = { settings, paths: appliancePaths(settings) };
const absent = { exists: false, ours: false, addresses: [], addresses6: [], mtu: null };
let root: string;
let host: Host;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailctl-bridge-'));
  host = createHost({ root, env: {}, say: () => undefined });
});
afterEach(() => rmSync(root, { recursive: true }));

/** A generation that runs with this network. */
function inUse(network: object): void {
  const part = { network, lxcConfig: '', seccomp: '', image: '', inputs: {} };
  const folder = join(root, target.paths.rendered);
  mkdirSync(join(folder, 'g1'), { recursive: true });
  writeFileSync(join(folder, 'g1/host.json'), JSON.stringify(part));
  symlinkSync('g1', join(folder, 'current'));
}

test('a bridge of others that is gone is an error with what to do, not a new bridge', async () => {
  inUse({ ...planNetwork(settings, absent, 'router'), makeBridge: false });

  await expect(bridgeInUse(host, target)).rejects.toThrow(
    'the bridge br-lan is gone, and mailctl did not make it',
  );
});

test('a bridge of mailctl that is gone is made again', async () => {
  inUse(planNetwork(settings, absent, 'router'));

  expect(await bridgeInUse(host, target)).toEqual(absent);
});

test('another bridge than the one in use may be made', async () => {
  inUse({ ...planNetwork(settings, absent, 'router'), makeBridge: false, bridge: 'br-old' });

  expect(await bridgeInUse(host, target)).toEqual(absent);
});
