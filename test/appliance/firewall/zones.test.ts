import { expect, test } from 'bun:test';
import type { PresentSection } from '../../../src/appliance/firewall/difference.ts';
import { findZones } from '../../../src/appliance/firewall/zones.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';

function section(type: string, name: string, options: Record<string, string>): PresentSection {
  return { type, name, options: new Map(Object.entries(options)) };
}

const FIREWALL = [
  section('zone', 'z1', { name: 'lan', network: 'lan' }),
  section('zone', 'z2', { name: 'guest', network: 'guest' }),
  section('zone', 'z3', { name: 'wan', network: 'wan' }),
];
const PLAIN = [section('interface', 'lan', { device: 'br-lan' })];
const VLANS = [
  section('interface', 'lan', { device: 'br-lan.1' }),
  section('interface', 'guest', { device: 'br-lan.20' }),
];

test.each([
  ['of the bridge', null, PLAIN, 'lan'],
  ['of the VLAN device on a bridge that filters VLANs', 20, VLANS, 'guest'],
  ['of the bridge, when the VLAN has no device', 1, PLAIN, 'lan'],
])('the zone of the container is that %s', (_, vlan, network, lan) => {
  const settings = defaultSettings();
  const own = { ...settings, network: { ...settings.network, vlan } };

  expect(findZones(own, { firewall: FIREWALL, network })).toEqual({ wan: 'wan', lan });
});
