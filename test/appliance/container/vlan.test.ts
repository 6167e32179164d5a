import { describe, expect, test } from 'bun:test';
import { type BridgePresent, planNetwork } from '../../../src/appliance/container/network.ts';
import { type BridgeVlans, parseVlanDevices } from '../../../src/appliance/container/vlan.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';

// as netifd makes it: no default VLAN, addresses on a VLAN device
const ROUTER: BridgeVlans = { defaultId: 0, devices: [{ name: 'br-lan.1', id: 1 }] };
const DEBIAN: BridgeVlans = { defaultId: 1, devices: [] };

function plan(vlan: number | null, vlans: BridgeVlans | null) {
  const settings = defaultSettings();
  const network = { ...settings.network, address: '192.168.1.25/24', vlan };
  const present: BridgePresent = {
    ...{ exists: true, ours: false, addresses: ['192.168.1.1/24'], addresses6: [], mtu: 1500 },
    vlans,
  };
  return planNetwork({ ...settings, network }, present, 'b08dfa6083e7567a1921a715000001fb');
}

describe('the VLAN of the container', () => {
  test.each([
    ['network.vlan on a bridge that filters VLANs', 10, ROUTER, { id: 10, device: 'br-lan' }],
    ['with the router on its VLAN device', 1, ROUTER, { id: 1, device: 'br-lan.1' }],
    ['the default VLAN of such a bridge', null, DEBIAN, { id: 1, device: 'br-lan' }],
    ['network.vlan rather than the default one', 10, DEBIAN, { id: 10, device: 'br-lan' }],
    ['none on another bridge', null, null, null],
  ])('is %s', (_, vlan, vlans, expected) => {
    expect(plan(vlan, vlans).vlan).toEqual(expected);
  });

  test('is required on a bridge without a default VLAN', () => {
    expect(() => plan(null, ROUTER)).toThrow(
      'the bridge br-lan filters VLANs and has no default VLAN, so the container needs network.vlan',
    );
  });

  test('is refused on a bridge that does not filter VLANs', () => {
    expect(() => plan(10, null)).toThrow(
      'network.vlan is 10, and the bridge br-lan does not filter VLANs',
    );
  });
});

test('the VLAN devices of a bridge are read from /proc/net/vlan/config', () => {
  const text = [
    'VLAN Dev name\t | VLAN ID',
    'Name-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD',
    'br-lan.1       | 1  | br-lan',
    'br-lan.20      | 20  | br-lan',
    'eth1.7         | 7  | eth1',
    '',
  ].join('\n');

  expect(parseVlanDevices(text, 'br-lan')).toEqual([
    { name: 'br-lan.1', id: 1 },
    { name: 'br-lan.20', id: 20 },
  ]);
});
