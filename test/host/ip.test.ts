import { describe, expect, test } from 'bun:test';
import {
  canonicalIpv6,
  contains,
  firstIpv4Host,
  ipv4Network,
  isHostAddress,
  parseIp,
  parseNetwork,
  reverseLabels,
} from '../../src/host/ip.ts';

describe('texts that ipaddr.js accepts and RFC 4291 does not', () => {
  test.each([
    '1:2:3:4:5:6:7::8',
    '1:2:3:4:5:6:7:8:',
    '1:2:3:4:5:6:7:00008',
    'fe80::1%eth0',
    '::ffff:0x7f.0.0.1',
    '010.0.0.1',
    '127.1',
    '1',
  ])('%s is refused', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
});

test.each([
  ['::192.0.2.1', '::c000:201'],
  ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
])('%s has one canonical form (RFC 5952)', (text, canonical) => {
  expect(canonicalIpv6(text)).toBe(canonical);
});

test.each([
  ['192.0.2.0/24', false],
  ['192.0.2.255/24', false],
  ['192.0.2.255/31', true],
  ['192.0.2.0/32', true],
  ['2001:db8::/64', false],
  ['2001:db8::ffff:ffff:ffff:ffff/64', true],
  ['2001:db8::/127', true],
])('%s is the address of a host: %p', (text, expected) => {
  const network = parseNetwork(text);
  expect(network && isHostAddress(network)).toBe(expected);
});

test('a network contains only addresses of its own version', () => {
  const all = parseNetwork('::/0');
  const old = parseIp('192.0.2.1');
  if (all === undefined || old === undefined) throw new Error('both are valid');

  expect(contains(all, old)).toBe(false);
});

test('network, first host and reverse name are computed from the address', () => {
  expect(ipv4Network('192.0.2.77/26')).toBe('192.0.2.64/26');
  expect(firstIpv4Host('192.0.2.77/26')).toBe('192.0.2.65');
  const labels = ['192.0.2.1', '2001:db8::1'].map((text) => {
    const ip = parseIp(text);
    return ip && reverseLabels(ip);
  });
  expect(labels).toEqual(['1.2.0.192', `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2`]);
});
