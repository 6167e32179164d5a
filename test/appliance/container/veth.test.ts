// The container's veth: its constant name and hardware address, and its filter.

import { describe, expect, test } from 'bun:test';
import { type BridgePresent, planNetwork } from '../../../src/appliance/container/network.ts';
import { linkLocal, planVeth } from '../../../src/appliance/container/veth.ts';
import { renderFilter } from '../../../src/appliance/container/veth-filter.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';

const LAN: BridgePresent = {
  ...{ exists: true, ours: false, addresses: ['192.168.1.1/24'], addresses6: ['fd00:1::1/64'] },
  mtu: 1500,
  vlans: null,
};

describe('the veth of a container', () => {
  test('has the same name and hardware address at every start', () => {
    expect(planVeth('mailserver', 'router-a')).toEqual(planVeth('mailserver', 'router-a'));
  });

  test('has a different hardware address on another router of the same LAN', () => {
    const { mac } = planVeth('mailserver', 'router-a');
    expect(planVeth('mailserver', 'router-b').mac).not.toBe(mac);
  });

  test('has a different name and hardware address for another container of this host', () => {
    const [one, two] = [planVeth('mail', 'router'), planVeth('mail-2', 'router')];
    expect(one.name).not.toBe(two.name);
    expect(one.mac).not.toBe(two.mac);
  });

  test.each(['m', 'mailserver', 'a-container-with-quite-a-long-name.example'])(
    'of %p has a valid interface name and a locally administered unicast address',
    (container) => {
      const { name, mac } = planVeth(container, 'router');
      expect(name.length).toBeLessThanOrEqual(15);
      expect(mac).toMatch(/^02(:[0-9a-f]{2}){5}$/);
    },
  );

  test.each([
    ['02:16:bd:b1:5e:b8', 'fe80::16:bdff:feb1:5eb8'],
    ['02:00:00:00:00:01', 'fe80::0:ff:fe00:1'],
    ['52:54:00:12:34:56', 'fe80::5054:ff:fe12:3456'],
  ])('the hardware address %s has the link-local address %s', (mac, address) => {
    expect(linkLocal(mac)).toBe(address);
  });
});

describe('the filter at the veth', () => {
  const settingsWith = (network: object) => {
    const settings = defaultSettings();
    return { ...settings, network: { ...settings.network, ...network } };
  };
  const filterOf = (network: object, bridge = LAN) =>
    renderFilter('mailserver', planNetwork(settingsWith(network), bridge, 'router'));

  test('is also used on a foreign bridge', () => {
    const filter = filterOf({ address: '192.168.1.25/24' });
    expect(filter).toContain('policy drop');
    expect(filter).toContain('    ip saddr 192.168.1.25 goto egress4');
  });

  test('of a generation without an egress limits addresses only', () => {
    const network = settingsWith({ address: '192.168.1.25/24', address6: 'fd00:1::25/64' });
    const plan = { ...planNetwork(network, LAN, 'router'), egress: null };
    const filter = renderFilter('mailserver', plan);
    expect(filter).toContain('    ip saddr 192.168.1.25 accept');
    expect(filter).toMatch(/ip6 saddr \{ fd00:1::25, fe80::\S+, :: \} accept/);
    expect(filter).not.toContain('egress');
  });

  test('drops all IPv6 when the container has no IPv6 address', () => {
    expect(filterOf({ address: '192.168.1.25/24' })).not.toContain('ip6 saddr');
  });

  test('compares the target of neighbour discovery as one number', () => {
    const filter = filterOf({ address: '192.168.1.25/24', address6: 'FD00:1::25/64' });
    expect(filter).toContain(
      'nd-neighbor-advert @th,64,128 != 0xfd000001000000000000000000000025 ',
    );
  });
});

test('the container gets the small MTU of a foreign bridge', () => {
  const settings = defaultSettings();
  const network = { ...settings.network, address: '192.168.1.25/24' };
  const plan = planNetwork({ ...settings, network }, { ...LAN, mtu: 1450 }, 'router');
  expect(plan.mtu).toBe(1450);
});
