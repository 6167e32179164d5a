// An address family that has vanished gets a minute to return; the test drives the clock.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { lookPatiently } from '../../../src/appliance/dns/address-look.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { checkSettings } from '../../../src/appliance/settings/check-settings.ts';
import { createWorld, MINUTE, START, type World } from '../schedule/world.ts';

const UCI = [
  "config mailserver 'main'\n\toption enabled '1'",
  "config network 'network'\n\toption address6 'fd00:82::2/64'\n",
].join('\n');
const V6 = '2001:db8::1';

let world: World;
let sixReturnsAfter: number;
beforeEach(() => {
  world = createWorld();
  const values = [
    { name: 'mail.example.com', type: 'A', value: '192.0.2.1', made: true },
    { name: 'mail.example.com', type: 'AAAA', value: V6, made: true },
  ];
  world.write('/srv/mailserver/dns/state.json', JSON.stringify({ v: 1, values, last: null }));
});
afterEach(() => world.remove());

async function look() {
  const { settings } = checkSettings(UCI, 'test');
  if (settings === null) throw new Error('the UCI text is wrong');
  const { clock } = world.host;
  const sleep = async (milliseconds: number) => {
    await clock.sleep(milliseconds);
    if (world.now.getTime() - START.getTime() >= sixReturnsAfter) world.wan('192.0.2.1', V6);
  };
  const host = { ...world.host, clock: { ...clock, sleep } };
  return lookPatiently(host, { settings, paths: appliancePaths(settings) });
}

test('an IPv6 address that comes some seconds after the IPv4 address changes nothing', async () => {
  sixReturnsAfter = 20_000;

  expect(await look()).toMatchObject({ changed: false, vanished: [] });
});

test('the record of an IPv6 address that is missing for a minute is removed', async () => {
  sixReturnsAfter = 10 * MINUTE;

  expect(await look()).toMatchObject({
    changed: true,
    wanted: { ipv4: ['192.0.2.1'], ipv6: [] },
  });
});
