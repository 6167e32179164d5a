import { expect, test } from 'bun:test';
import { readSections } from '../../../src/appliance/firewall/difference.ts';
import {
  firewallSections,
  nameSections,
  sectionNames,
} from '../../../src/appliance/firewall/sections.ts';
import { findZones } from '../../../src/appliance/firewall/zones.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';

const DEFAULT = defaultSettings();

function sectionsFor(container: string, address6: string | null = null) {
  const main = { ...DEFAULT.main, container };
  const network = { ...DEFAULT.network, address6 };
  const settings = { ...DEFAULT, main, network };
  const facts = { settings, wan: 'wan', lan: 'lan', address: '192.168.1.25', address6: null };
  return { settings, sections: firewallSections(facts, new Set()) };
}

// nft: a letter or _ first; fw4: letters, digits and _; a comment has at most 128 bytes with `!fw4: ` and ` (reflection)`
test.each(['mailserver', 'my.mail-1', '2mail', '_x', 'a'.repeat(63)])(
  'the sections of container %p have names that uci, fw4 and nft accept, and all are known as ours',
  (container) => {
    const { settings, sections } = sectionsFor(container, '::25/64');
    const names = sections.map(({ name }) => name);

    expect(names).toHaveLength(12);
    for (const name of names) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_]{0,108}$/);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !sectionNames(settings).has(name))).toEqual([]);
  },
);

const BOX = 'ab'.repeat(32);

test.each([
  [{ enabled: true, backupPeers: [BOX], listen: 'all' }, true],
  [{ enabled: true, backupPeers: ['file:///disk', BOX], listen: ['192.0.2.1'] }, true],
  [{ enabled: true, backupPeers: ['file:///disk', 's3://bucket'], listen: 'all' }, false],
  [{ enabled: true, backupPeers: [], listen: 'all' }, false],
  [{ enabled: true, backupPeers: [BOX], listen: [] }, false],
  [{ enabled: false, backupPeers: [BOX], listen: 'all' }, false],
] as const)('with %j the port of the mesh is open to the WAN: %p', (some, open) => {
  const settings = { ...DEFAULT, mesh: { ...DEFAULT.mesh, ...some, port: 7332 } };
  const facts = { settings, wan: 'wan', lan: 'lan', address: '192.168.1.25', address6: null };

  const rules = firewallSections(facts, new Set()).filter(({ name }) => name === 'mailserver_mesh');

  // without a destination zone: the port is one of the router itself
  const options = { src: 'wan', proto: 'tcp', dest_port: '7332', target: 'ACCEPT' };
  expect(rules).toEqual(open ? [{ type: 'rule', name: 'mailserver_mesh', options }] : []);
  expect(sectionNames(settings).has('mailserver_mesh')).toBe(true);
});

test('the web container has redirects and a name of its own once it is installed', () => {
  const web = { ...DEFAULT.web, enabled: true, address: '192.168.1.26/24' };
  const facts = { wan: 'wan', lan: 'lan', address: '192.168.1.25', address6: null };
  const sections = (enabled: boolean) => {
    const settings = { ...DEFAULT, web: { ...web, enabled } };
    const all = [
      ...firewallSections({ ...facts, settings }, new Set()),
      ...nameSections({ ...facts, settings }),
    ];
    expect(all.filter(({ name }) => !sectionNames(settings).has(name))).toEqual([]);
    return all.flatMap(({ name, options }) =>
      [options.dest_ip, options.ip].includes('192.168.1.26') ? [[name, options.src_dport]] : [],
    );
  };

  expect(sections(false)).toEqual([]);
  expect(sections(true)).toEqual([
    ['mailserver_https', '443'],
    ['mailserver_http', '80'],
    ['mailserver_webname', undefined],
  ]);
});

test.each([
  ['::25/64', '::25/::ffff:ffff:ffff:ffff'],
  ['2001:db8:1::25/64', '2001:db8:1::25'],
  ['fd00:1::25/64', undefined],
  [null, undefined],
])('with address6 %p the IPv6 rules are for %p', (address6, expected) => {
  const { sections } = sectionsFor('mailserver', address6);
  const six = sections.filter(({ options }) => options.family === 'ipv6' && options.dest_ip);

  expect(new Set(six.map(({ options }) => options.dest_ip))).toEqual(
    new Set(expected === undefined ? [] : [expected]),
  );
});

test.each([
  ["config zone\n\toption name 'home'\n\tlist network 'office'\n", 'home'],
  ["config zone\n\toption name 'home'\n\toption network 'guest office'\n", 'home'],
  ["config zone\n\toption name 'home'\n\tlist device 'br-lan'\n", 'home'],
])('the zone of the bridge is found in %p', (zone, expected) => {
  const firewall = readSections(
    'firewall',
    `${zone}config zone\n\toption name 'net'\n\tlist network 'wan'\n`,
  );
  const network = readSections('network', "config interface 'office'\n\toption device 'br-lan'\n");

  expect(findZones(DEFAULT, { firewall, network })).toEqual({ lan: expected, wan: 'net' });
});
