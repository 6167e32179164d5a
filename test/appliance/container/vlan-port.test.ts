// The container's interface on a bridge that filters VLANs, with stand-ins for ip and bridge that record their calls:
// a kernel without CONFIG_VLAN_8021Q has no such bridge.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findRepairs } from '../../../src/appliance/apply/network-repair.ts';
import { planNetwork } from '../../../src/appliance/container/network.ts';
import { attachVeth } from '../../../src/appliance/container/veth-apply.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { createHost, type Host } from '../../../src/host/host.ts';

const settings = defaultSettings();
const paths = appliancePaths(settings);
const plan = planNetwork(
  { ...settings, network: { ...settings.network, address: '192.168.1.25/24', vlan: 10 } },
  {
    ...{ exists: true, ours: false, addresses: ['192.168.1.1/24'], addresses6: [], mtu: 1500 },
    vlans: { defaultId: 1, devices: [] },
  },
  'b08dfa6083e7567a1921a715000001fb',
);
const { name } = plan.veth;
const network = { container: 'mailserver', plan };

let root: string;
let host: Host;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailctl-vlan-'));
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, paths.run), { recursive: true });
  for (const program of ['ip', 'bridge', 'nft', 'lxc-info']) {
    const script = `#!/bin/sh\necho "${program} $*" >>${root}/calls\n`;
    writeFileSync(
      join(root, 'bin', program),
      `${script}cat ${root}/${program}.out 2>/dev/null; :\n`,
    );
    chmodSync(join(root, 'bin', program), 0o755);
  }
  const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}` };
  host = createHost({ root, env, say: () => undefined });
});
afterEach(() => rmSync(root, { recursive: true }));

/** The interface as a port of the bridge, in these VLANs. */
function attached(vlans: { vlan: number; flags?: string[] }[]): void {
  const folder = join(root, 'sys/class/net', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'flags'), '0x1003\n');
  symlinkSync('../br-lan', join(folder, 'master'));
  mkdirSync(join(root, dirname(paths.lxcConfig)), { recursive: true });
  writeFileSync(join(root, paths.lxcConfig), '');
  writeFileSync(join(root, 'lxc-info.out'), '4711\n');
  writeFileSync(join(root, 'bridge.out'), JSON.stringify([{ ifname: name, vlans }]));
}

const UNTAGGED = ['PVID', 'Egress Untagged'];

test('the interface gets its VLAN, and loses the default one, before it is up', async () => {
  attached([{ vlan: 1, flags: UNTAGGED }]);

  await attachVeth(host, paths, network);

  const calls = readFileSync(join(root, 'calls'), 'utf8').split('\n');
  expect(calls.filter((line) => / (?:add|del|set) /.test(line))).toEqual([
    `ip link set ${name} down`,
    `ip link set ${name} master br-lan`,
    `bridge vlan del dev ${name} vid 1`,
    `bridge vlan add dev ${name} vid 10 pvid untagged`,
    `ip link set ${name} master br-lan up`,
  ]);
});

test.each([
  ['in its VLAN', [{ vlan: 10, flags: UNTAGGED }], 0],
  ['in no VLAN', [], 1],
  ['in another VLAN', [{ vlan: 1, flags: UNTAGGED }], 1],
  ['in its VLAN with tags', [{ vlan: 10 }], 1],
  ['in a second VLAN', [{ vlan: 10, flags: UNTAGGED }, { vlan: 20 }], 1],
])('an interface %s has its differences found', async (_, vlans, differences) => {
  attached(vlans);

  const changes = await findRepairs(host, { settings, paths }, plan);

  const port = changes.filter((change) => change.name === `veth ${name}`);
  expect(port).toHaveLength(differences);
  for (const { after } of port)
    expect(after).toBe('port of br-lan\nup\nVLAN 10 Egress Untagged PVID\n');
});
