// The container's files for whole scenarios, as a mail administrator would review them. After a wanted
// change: UPDATE_GOLDEN=1 bun test test/golden, then read the difference in git.

import { describe, expect, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderLxcConfig } from '../../src/appliance/container/lxc-config.ts';
import { planNetwork, renderTable } from '../../src/appliance/container/network.ts';
import { renderFilter } from '../../src/appliance/container/veth-filter.ts';
import { appliancePaths } from '../../src/appliance/paths.ts';
import type { Facts } from '../../src/appliance/render/facts.ts';
import { renderFiles } from '../../src/appliance/render/render.ts';
import { templates } from '../../src/appliance/render/templates.ts';
import { checkSettings } from '../../src/appliance/settings/check-settings.ts';
import type { Settings } from '../../src/appliance/settings/settings.ts';

const FACTS: Facts = {
  containerAddress: '10.82.25.2',
  containerNetwork: '10.82.25.0/24',
  gateway: '10.82.25.1',
  containerAddress6: null,
  gateway6: null,
  lanNetworks: ['10.82.25.0/24'],
  hasIpv6: false,
  probePassword: 'not-a-real-password',
};

const MACHINE = 'b08dfa6083e7567a1921a715000001fb';
const NO_BRIDGE = { exists: false, ours: false, addresses: [], addresses6: [], mtu: null };

function readScenario(folder: string): Settings {
  const file = join(folder, 'mailserver');
  const { settings, problems } = checkSettings(readFileSync(file, 'utf8'), file);
  if (settings === null) throw new Error(problems.map(({ message }) => message).join('\n'));
  return settings;
}

function render(settings: Settings): Map<string, string> {
  const paths = appliancePaths(settings);
  const network = planNetwork(settings, NO_BRIDGE, MACHINE);
  const cgroup = { version: 2, memory: true, pids: true } as const;
  const seccomp = join(paths.container, 'seccomp');
  const files = renderFiles({ settings, facts: FACTS, templates, custom: {} });
  return new Map([
    ['host/lxc.config', renderLxcConfig({ settings, paths, network, cgroup, seccomp })],
    ['host/nftables', renderTable(settings.main.container, network)],
    ['host/nftables-veth', renderFilter(settings.main.container, network)],
    ...files.map(({ file, text }): [string, string] => [`rootfs${file.path}`, text]),
  ]);
}

function readTree(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file): [string, string] => [file.slice(folder.length + 1), readFileSync(file, 'utf8')])
      .filter(([name]) => name !== 'mailserver'),
  );
}

function writeTree(folder: string, files: Map<string, string>): void {
  for (const part of ['host', 'rootfs'])
    rmSync(join(folder, part), { recursive: true, force: true });
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const scenarios = readdirSync(import.meta.dir, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

describe('the rendered container', () => {
  test.each(scenarios)('%s is rendered as checked in', (scenario) => {
    const folder = join(import.meta.dir, scenario);
    const rendered = render(readScenario(folder));
    if (process.env.UPDATE_GOLDEN === '1') writeTree(folder, rendered);
    const golden = readTree(folder);
    expect([...rendered.keys()].sort()).toEqual([...golden.keys()].sort());
    for (const [name, text] of rendered)
      expect({ name, text }).toEqual({ name, text: golden.get(name) ?? '' });
  });
});
