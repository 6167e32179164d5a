import { expect, test } from 'bun:test';
import { readSections } from '../../../src/appliance/firewall/difference.ts';
import { findForeign } from '../../../src/appliance/firewall/foreign.ts';

function foreign(options: Record<string, string>, before = '', exposed = [25]) {
  const lines = Object.entries({ src: 'wan', ...options }).map(
    ([k, v]) => `\toption ${k} '${v}'\n`,
  );
  return findForeign({
    present: readSections('firewall', `${before}\nconfig redirect\n${lines.join('')}`),
    names: new Set(['mailserver_smtp']),
    exposed: exposed.map((port) => ({ service: 'smtp', port })),
    wan: 'wan',
    nameOf: () => 'mailserver_smtp',
  });
}

test.each([
  { src_dport: '25' },
  { src_dport: '20-30' },
  { src_dport: '20:30' },
  // every port
  {},
  { src_dport: '25', proto: 'tcp udp' },
  { src_dport: '25', proto: 'all' },
  { src_dport: '25', proto: '6' },
  { src_dport: '25', enabled: '1' },
  { src_dport: '25', target: 'DNAT', dest: 'dmz' },
])('%o takes port 25', (options) => {
  expect(foreign({ ...options, dest_ip: '192.168.1.77' })).toEqual([
    { service: 'smtp', port: 25, section: '@redirect[0]', to: '192.168.1.77' },
  ]);
});

test.each([
  { src_dport: '26' },
  { src_dport: '2525' },
  { src_dport: '26-30' },
  { src_dport: '25', proto: 'udp' },
  { src_dport: '25', enabled: '0' },
  { src_dport: '25', enabled: 'off' },
  { src_dport: '25', src: 'lan' },
  { src_dport: '25', family: 'ipv6' },
  { src_dport: '25', target: 'SNAT' },
])('%o does not take port 25', (options) => {
  expect(foreign(options)).toEqual([]);
});

test('a redirect without a destination goes to the router itself', () => {
  expect(foreign({ src_dport: '25', name: 'trap' })).toMatchObject([{ section: 'trap', to: null }]);
});

test.each([
  ['', 0],
  ["\toption enabled '0'\n", 1],
])('a redirect behind ours is harmless unless ours is disabled (%p)', (options, count) => {
  expect(
    foreign({ src_dport: '25' }, `config redirect 'mailserver_smtp'\n${options}`),
  ).toHaveLength(count);
});
