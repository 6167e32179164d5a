// Which addresses are published when the WAN interface changes.

import { expect, test } from 'bun:test';
import { followEntries, planMove } from '../../../src/appliance/dns/moved.ts';

const found = (ipv4: string[], ipv6: string[] = [], unfit: string[] = []) => ({
  ...{ ipv4, ipv6, unfit },
  source: 'the interface wan (ubus)',
});
const published = { ipv4: ['192.0.2.1'], ipv6: [] };
const both = { ipv4: ['192.0.2.1'], ipv6: ['2001:db8::1'] };

test('an unchanged address is a no-op', () => {
  expect(planMove(published, found(['192.0.2.1']))).toMatchObject({ changed: false, notes: [] });
});

test('a new address replaces the old one', () => {
  const move = planMove(published, found(['192.0.2.7']));

  expect(move).toMatchObject({ changed: true, wanted: { ipv4: ['192.0.2.7'], ipv6: [] } });
});

test('a private address never replaces a public one, and a note says why', () => {
  const unfit = ['100.64.3.4 (from the interface wan (ubus)): shared by a provider'];
  const move = planMove(published, found([], [], unfit));

  expect(move).toMatchObject({ changed: false, wanted: published });
  expect(move.notes).toEqual([`the A record is kept: ${unfit[0]}`]);
});

test('one address family changes while the other has no usable address', () => {
  const unfit = ['fe80::1 (from the interface wan (ubus)): link-local'];
  const move = planMove(both, found(['192.0.2.7'], [], unfit));

  expect(move.wanted).toEqual({ ipv4: ['192.0.2.7'], ipv6: ['2001:db8::1'] });
});

test('the records of an address family that has vanished are removed', () => {
  const move = planMove(both, found(['192.0.2.1']));

  expect(move).toMatchObject({
    changed: true,
    vanished: ['ipv6'],
    wanted: { ipv4: ['192.0.2.1'], ipv6: [] },
  });
});

test('a new address family is published', () => {
  expect(planMove(published, found(['192.0.2.1'], ['2001:db8::7'])).changed).toBe(true);
});

test.each([
  ['the interface is down', found([], [], ['the interface wan is down'])],
  ['there is no ubus', found([], [], ['this host has no ubus to ask for the WAN address'])],
  ['it has no address at all', found([])],
])('no address is removed while %s', (_, now) => {
  const move = planMove(both, now);

  expect(move).toMatchObject({ changed: false, wanted: both, vanished: [] });
  expect(move.notes).toHaveLength(1);
});

test('undoing the last setup afterwards removes the new address and does not restore the old one', () => {
  const entry = { name: 'mail.a.test', type: 'A', zone: 'a.test', ttl: 60 } as const;
  const other = { ...entry, name: 'a.test', type: 'MX', added: ['10 mail.'], removed: [] } as const;
  const setup = [{ ...entry, added: ['192.0.2.1'], removed: ['192.0.2.99'] }, other];
  const change = [{ ...entry, added: ['192.0.2.7'], removed: ['192.0.2.1'] }];

  expect(followEntries(setup, change)).toEqual([
    { ...entry, added: ['192.0.2.7'], removed: ['192.0.2.99'] },
    other,
  ]);
  expect(followEntries([other], change)).toEqual([other]);
});
