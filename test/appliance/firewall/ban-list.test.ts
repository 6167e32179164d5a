import { expect, test } from 'bun:test';
import {
  banList,
  parseElements,
  planSet,
  renderSetChange,
} from '../../../src/appliance/firewall/ban-list.ts';

const EXEMPT = ['192.168.1.1/24', 'fd00:1::1/60', '203.0.113.2', '198.51.100.0/24'];

test.each([
  '192.168.1.77',
  '203.0.113.2',
  '198.51.100.200',
  'fd00:1:0:5::7',
  '127.0.0.1',
  '0.0.0.0',
  '255.255.255.255',
  '169.254.1.1',
  '::1',
  '::ffff:192.168.1.77',
  'fe80::1',
  'ff02::1',
  '192.0.2.0/24',
  '192.0.2.1 }; flush ruleset; {',
  'example.com',
  '',
])('%p is never banned', (address) => {
  expect(banList([address], EXEMPT)).toEqual({ 4: [], 6: [], refused: 1 });
});

test('addresses are written in one form, once, by family', () => {
  const list = ['192.0.2.1', '2001:DB8::0001', '2001:db8::1', '192.0.2.1'];

  expect(banList(list, EXEMPT)).toMatchObject({ 4: ['192.0.2.1'], 6: ['2001:db8::1'] });
});

test('a list of any length is bounded', () => {
  const many = Array.from(
    { length: 70_000 },
    (_, n) => `45.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
  );

  const { 4: four, refused } = banList(many, EXEMPT);

  expect(four).toHaveLength(4096);
  expect(refused).toBe(70_000 - 4096);
});

test('the elements of a set are read with and without timeouts, over several lines', () => {
  const listing = `table inet fw4 {
	set mailserver_banned6 {
		type ipv6_addr
		flags timeout
		elements = { 2001:db8::1 timeout 1h expires 59m58s290ms,
			     2001:db8::2 expires 3s }
	}
}`;
  expect(parseElements(listing)).toEqual(['2001:db8::1', '2001:db8::2']);
  expect(parseElements('set x { type ipv4_addr }')).toEqual([]);
});

test('a change adds what is missing and removes what is no longer banned, in one script', () => {
  const change = planSet(['192.0.2.1', '192.0.2.2'], ['192.0.2.2', '192.0.2.3']);

  expect(renderSetChange('inet fw4 s', change)).toBe(
    'add element inet fw4 s { 192.0.2.3, 192.0.2.1 }\ndelete element inet fw4 s { 192.0.2.1 }\n',
  );
  expect(renderSetChange('inet fw4 s', planSet(['192.0.2.1'], ['192.0.2.1']))).toBe('');
});
