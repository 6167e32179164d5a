// A missing foreign bridge is an error; mailctl never creates a replacement for it.

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
const absent = {
  exists: false,
  ours: false,
  addresses: [],
  addresses6: [],
  mtu: null,
  vlans: null,
};
let root: string;
let host: Host;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailctl-bridge-'));
  host = createHost({ root, env: {}, say: () => undefined });
});
afterEach(() => rmSync(root, { recursive: true }));

/** A current generation with this network. */
function inUse(network: object): void {
  const lxcConfig = [
    'lxc.idmap = u 0 100000 65536',
    `lxc.seccomp.profile = ${join(root, target.paths.container)}/seccomp`,
    `lxc.mount.entry = ${target.paths.rendered} config none bind,ro 0 0\n`,
  ].join('\n');
  mkdirSync(join(root, target.paths.container), { recursive: true });
  writeFileSync(join(root, target.paths.lxcConfig), lxcConfig);
  const part = { network, lxcConfig, seccomp: '', image: '', inputs: {} };
  const folder = join(root, target.paths.rendered);
  mkdirSync(join(folder, 'g1'), { recursive: true });
  writeFileSync(join(folder, 'g1/host.json'), JSON.stringify(part));
  symlinkSync('g1', join(folder, 'current'));
}

test('a missing foreign bridge is an error with a hint, and no bridge is created', async () => {
  inUse({ ...planNetwork(settings, absent, 'router'), makeBridge: false });

  await expect(bridgeInUse(host, target)).rejects.toThrow(
    'the bridge br-lan is missing, and mailctl did not create it',
  );
});

test('a missing bridge of mailctl is created again', async () => {
  inUse(planNetwork(settings, absent, 'router'));

  expect(await bridgeInUse(host, target)).toEqual(absent);
});

test('a bridge other than the one in use may be created', async () => {
  inUse({ ...planNetwork(settings, absent, 'router'), makeBridge: false, bridge: 'br-old' });

  expect(await bridgeInUse(host, target)).toEqual(absent);
});
