// The addresses that doctor tries from inside the container.

import { expect, test } from 'bun:test';
import { planNetwork } from '../../../src/appliance/container/network.ts';
import { closedTargets } from '../../../src/appliance/doctor/egress-trial.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';

const LAN = {
  ...{ exists: true, ours: false, addresses: ['192.168.1.1/24'], addresses6: ['fd00:1::1/64'] },
  mtu: 1500,
  vlans: null,
};

function targetsOf(network: object, host: string[]): string[] {
  const settings = defaultSettings();
  const changed = { ...settings, network: { ...settings.network, ...network } };
  return closedTargets(planNetwork(changed, LAN, 'router'), host).map((one) => one.join(' '));
}

test('the gateway, the host and metadata addresses are tried', () => {
  const network = { address: '192.168.1.25/24', gateway: '192.168.1.254' };
  expect(targetsOf(network, ['192.168.1.1', 'fd00:1::1'])).toEqual([
    ...['192.168.1.254 53', '192.168.1.254 22', '192.168.1.254 80'],
    ...['192.168.1.1 53', '192.168.1.1 22', '192.168.1.1 80'],
    '169.254.169.254 80',
  ]);
});

test('with IPv6, and without what dns_forward opens', () => {
  const network = {
    ...{ address: '192.168.1.25/24', address6: 'fd00:1::25/64', dnsForward: ['192.168.1.1'] },
  };
  expect(targetsOf(network, ['192.168.1.1', 'fd00:1::1'])).toEqual([
    ...['192.168.1.1 22', '192.168.1.1 80'],
    ...['fd00:1::1 53', 'fd00:1::1 22', 'fd00:1::1 80'],
    ...['169.254.169.254 80', 'fd00:ec2::254 80'],
  ]);
});
