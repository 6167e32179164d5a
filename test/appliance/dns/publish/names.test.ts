import { expect, test } from 'bun:test';
import {
  privateReason,
  relativeName,
  reverseName,
  wildcardsOf,
} from '../../../../src/appliance/dns/publish/names.ts';

test.each([
  ['192.0.2.25', '25.2.0.192.in-addr.arpa'],
  ['2001:db8::25', '5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
])('the reverse name of %s is %s', (address, name) => {
  expect(reverseName(address)).toBe(name);
});

test.each([
  ['100.64.0.1', 'CGNAT'],
  ['100.127.255.255', 'CGNAT'],
  ['10.1.2.3', 'RFC 1918'],
  ['172.31.0.1', 'RFC 1918'],
  ['192.168.1.1', 'RFC 1918'],
  ['192.0.0.2', 'DS-Lite'],
  ['169.254.1.1', 'link-local'],
  ['fd00::1', 'RFC 4193'],
  ['fe80::1', 'link-local'],
])('%s is not public: %s', (address, reason) => {
  expect(privateReason(address)).toContain(reason);
});

test.each(['100.63.255.255', '100.128.0.1', '172.32.0.1', '192.0.2.1', '2001:db8::1'])(
  '%s is public',
  (address) => {
    expect(privateReason(address)).toBeNull();
  },
);

test('names are relative to their zone, and its apex is @', () => {
  expect(relativeName('example.com', 'example.com')).toBe('@');
  expect(relativeName('_25._tcp.mail.example.com', 'example.com')).toBe('_25._tcp.mail');
});

test('wildcardsOf lists the wildcards between the name and its zone', () => {
  expect(wildcardsOf('a.b.example.com', 'example.com')).toEqual([
    '*.b.example.com',
    '*.example.com',
  ]);
});
