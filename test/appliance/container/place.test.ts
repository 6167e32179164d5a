import { expect, test } from 'bun:test';
import { renderLxcConfig } from '../../../src/appliance/container/lxc-config.ts';
import { planNetwork } from '../../../src/appliance/container/network.ts';
import { placeHere, placeOf } from '../../../src/appliance/container/place.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { createHost } from '../../../src/host/host.ts';
import { queryMachineId } from '../../../src/host/machine.ts';

const absent = {
  exists: false,
  ours: false,
  addresses: [],
  addresses6: [],
  mtu: null,
  vlans: null,
};
const cgroup = { version: 2, memory: true, pids: true } as const;
const host = createHost({ root: '/', env: {}, say: () => undefined });

test.each(['/srv/mailserver', '/srv/mailserver/', '/mnt/my disk/back\\slash'])(
  'the place of an LXC configuration is the one that it was rendered for: %s',
  async (dataPath) => {
    const defaults = defaultSettings();
    const main = { ...defaults.main, dataPath, idmapBase: 300000, container: 'second' };
    const settings = { ...defaults, main };
    const paths = appliancePaths(settings, { lxc: '/srv/my lxc/' });
    const network = planNetwork(settings, absent, await queryMachineId(host));
    const seccomp = `${paths.container}/seccomp`;

    const place = placeOf(renderLxcConfig({ settings, paths, network, cgroup, seccomp }));

    expect(place).toEqual(await placeHere(host, { settings, paths }));
    expect(place?.data).toBe(dataPath.replace(/\/$/, ''));
  },
);

test('a text that is no configuration of mailctl has no place', () => {
  expect(placeOf('')).toBeNull();
  expect(placeOf('lxc.net.0.type = veth\n')).toBeNull();
});
