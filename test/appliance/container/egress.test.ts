// Which connections the options open.

import { describe, expect, test } from 'bun:test';
import { isListed, planEgress } from '../../../src/appliance/container/egress.ts';
import { checkSettings } from '../../../src/appliance/settings/check-settings.ts';

const LAN = ['192.168.1.25/24', '192.168.1.1/24', 'fd00:1::25/64'];

function planned(...lines: string[]) {
  const file = "config mailserver 'main'\noption domain 'example.com'\n";
  const { settings, problems } = checkSettings(`${file}${lines.join('\n')}\n`, 'mailserver');
  if (settings === null) throw new Error(JSON.stringify(problems));
  return planEgress(settings, LAN);
}

const opened = (...lines: string[]) =>
  planned(...lines).destinations.map(
    ({ to, protocol, port }) => `${to ?? '*'}:${port}/${protocol}`,
  );

const DNS = ['*:53/udp', '*:53/tcp'];

describe('the egress', () => {
  test.each([
    ['nothing else', [], [...DNS, '*:25/tcp']],
    [
      'a relayhost with a name',
      ["config smtp 'smtp'", "option relayhost '[smtp.example.net]:587'"],
      [...DNS, '*:25/tcp', '*:587/tcp'],
    ],
    [
      'a relayhost with an address, in the LAN too',
      ["config smtp 'smtp'", "option relayhost '[192.168.1.5]:2525'"],
      [...DNS, '*:25/tcp', '192.168.1.5:2525/tcp'],
    ],
    [
      'a relayhost with an IPv6 address',
      ["config smtp 'smtp'", "option relayhost '[ipv6:2001:db8::5]'"],
      [...DNS, '*:25/tcp', '2001:db8::5:25/tcp'],
    ],
    [
      'a relayhost on port 25 once',
      ["config smtp 'smtp'", "option relayhost '[smtp.example.net]'"],
      [...DNS, '*:25/tcp'],
    ],
    [
      'the relayhost of one sender domain',
      ["config relay 'shop'", "option domain 'shop.example'", "option host '[192.168.1.9]:587'"],
      [...DNS, '*:25/tcp', '192.168.1.9:587/tcp'],
    ],
    [
      'dns_forward in place of all name servers',
      ["config network 'network'", "list dns_forward '192.168.1.1'"],
      ['192.168.1.1:53/udp', '192.168.1.1:53/tcp', '*:25/tcp'],
    ],
    [
      'the mirrors of the virus signatures',
      ["config features 'features'", "option virus_scan '1'"],
      [...DNS, '*:25/tcp', '*:443/tcp'],
    ],
    [
      'network.egress',
      ["config network 'network'", "list egress '10.0.0.0/8:25'", "list egress '*:11335/udp'"],
      [...DNS, '*:25/tcp', '10.0.0.0/8:25/tcp', '*:11335/udp'],
    ],
  ])('opens %s', (_what, lines, expected) => {
    expect(opened(...lines)).toEqual(expected);
  });

  test('closes each network on the bridge, named once', () => {
    expect(planned().lan).toEqual(['192.168.1.0/24', 'fd00:1::/64']);
  });

  test.each([
    ['192.168.1.5', 25, true],
    ['192.168.1.5', 26, false],
    ['192.168.2.5', 25, false],
    ['fd00:1::5', 853, true],
    ['fd00:1::5', 854, false],
    // listed as UDP
    ['192.168.1.6', 53, false],
    // public, so not by an entry of its own
    ['203.0.113.5', 25, false],
  ])('lists %s port %p: %p', (address, port, listed) => {
    const egress = planned(
      "config network 'network'",
      "list egress '192.168.1.0/24:25'",
      "list egress '[fd00:1::5]:853'",
      "list egress '192.168.1.6:53/udp'",
    );
    expect(isListed(egress, address, port)).toBe(listed);
  });
});
