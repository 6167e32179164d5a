import { describe, expect, test } from 'bun:test';
import { renderTable } from '../../../src/appliance/container/inet-table.ts';
import {
  type BridgePresent,
  planNetwork,
  tableName,
} from '../../../src/appliance/container/network.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { ipv4Network, ipv6Network } from '../../../src/host/ip.ts';

const MACHINE = 'b08dfa6083e7567a1921a715000001fb';
const ABSENT: BridgePresent = {
  exists: false,
  ours: false,
  addresses: [],
  addresses6: [],
  mtu: null,
  vlans: null,
};
const LAN: BridgePresent = {
  exists: true,
  ours: false,
  addresses: ['192.168.1.1/24'],
  addresses6: ['fd00:1::1/64'],
  mtu: 1500,
  vlans: null,
};

function settingsWith(network: object) {
  const settings = defaultSettings();
  return { ...settings, network: { ...settings.network, ...network } };
}

describe('the network of the container', () => {
  test('without a bridge, mailctl creates one and publishes the ports', () => {
    const plan = planNetwork(defaultSettings(), ABSENT, MACHINE);
    expect(plan.makeBridge).toBe(true);
    expect(plan.address).toBe('10.82.25.2/24');
    expect(plan.gateway).toBe('10.82.25.1');
  });

  test("a foreign bridge is used and not created, with the host's address as gateway", () => {
    const plan = planNetwork(settingsWith({ address: '192.168.1.25/24' }), LAN, MACHINE);
    expect(plan.makeBridge).toBe(false);
    expect(plan.gateway).toBe('192.168.1.1');
  });

  test('an existing bridge without network.address is refused with a hint', () => {
    expect(() => planNetwork(defaultSettings(), LAN, MACHINE)).toThrow(
      'network.address is not set',
    );
  });

  test('an address outside the networks of the bridge is refused', () => {
    expect(() => planNetwork(settingsWith({ address: '10.9.9.9/24' }), LAN, MACHINE)).toThrow(
      'in no network of the bridge',
    );
  });

  test('a suffix takes the delegated prefix of the bridge, and the gateway in it', () => {
    const network = { address: '192.168.1.25/24', address6: '::25/64' };
    const present = { ...LAN, addresses6: ['fd00:1::1/60', '2001:db8:1::1/60'] };
    const plan = planNetwork(settingsWith(network), present, MACHINE);
    expect([plan.address6, plan.gateway6]).toEqual(['2001:db8:1::25/64', '2001:db8:1::1']);
  });

  test('a suffix waits while the bridge has no prefix', () => {
    const network = { address: '192.168.1.25/24', address6: '::25/64' };
    const plan = planNetwork(settingsWith(network), { ...LAN, addresses6: [] }, MACHINE);
    expect([plan.address6, plan.gateway6]).toEqual([null, null]);
  });

  test('an IPv6 address takes the bridge as its gateway', () => {
    const network = { address: '192.168.1.25/24', address6: 'fd00:1::25/64' };
    expect(planNetwork(settingsWith(network), LAN, MACHINE).gateway6).toBe('fd00:1::1');
  });

  test('an IPv6 address on a bridge without IPv6 is refused', () => {
    const network = { address6: 'fd00:2::25/64' };
    expect(() => planNetwork(settingsWith(network), ABSENT, MACHINE)).toThrow(
      'has no IPv6 address',
    );
  });

  test.each([
    ['192.0.2.77/24', '192.0.2.0/24'],
    ['10.255.255.255/8', '10.0.0.0/8'],
    ['203.0.113.9/32', '203.0.113.9/32'],
    ['172.16.5.4/0', '0.0.0.0/0'],
  ])('the network of %s is %s', (cidr, network) => {
    expect(ipv4Network(cidr)).toBe(network);
  });

  test.each([
    ['2001:DB8:0:1::77/64', '2001:db8:0:1::/64'],
    ['fd00::1/128', 'fd00::1/128'],
  ])('the network of %s is %s', (cidr, network) => {
    expect(ipv6Network(cidr)).toBe(network);
  });
});

describe('the nftables table', () => {
  const plan = planNetwork(defaultSettings(), ABSENT, MACHINE);

  test('destination addresses are translated and source addresses are not', () => {
    const table = renderTable('mailserver', plan);
    expect(table).toContain(
      'tcp dport { 25, 587, 465, 143, 993, 110, 995, 4190 } dnat ip to 10.82.25.2',
    );
    expect(table.match(/masquerade/g)).toHaveLength(2);
    expect(table).toContain('ip saddr 10.82.25.2 oifname != "br-lan" masquerade');
  });

  test('publishing on given addresses lists them by family', () => {
    const chosen = { ...plan, publish: ['192.0.2.1', '2001:db8::1'] };
    expect(renderTable('mailserver', chosen)).toContain('ip daddr { 192.0.2.1 } tcp dport');
    expect(renderTable('mailserver', chosen)).not.toContain('2001:db8::1');
  });

  test('publishing on no address leaves no DNAT rule', () => {
    expect(renderTable('mailserver', { ...plan, publish: [] })).not.toContain('dnat ip');
  });

  test('on a foreign bridge only keeps the container away from the host', () => {
    const network = { address: '192.168.1.25/24', address6: 'fd00:1::25/64' };
    const table = renderTable('mailserver', planNetwork(settingsWith(network), LAN, MACHINE));
    expect(table).not.toContain('type nat');
    expect(table).toContain('ip saddr 192.168.1.25 goto egress');
    expect(table).toContain('ip6 saddr { fd00:1::25, fe80::');
  });

  test('of a generation without an egress keeps nothing away', () => {
    expect(renderTable('mailserver', { ...plan, egress: null })).not.toContain('egress');
  });

  test('a container name becomes a table name that nft accepts', () => {
    expect(tableName('mail-2.home')).toBe('mailserver_mail_2_home');
  });
});
