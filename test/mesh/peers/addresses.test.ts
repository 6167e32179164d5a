import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHost } from '../../../src/host/host.ts';
import {
  parseKnownAddresses,
  parsePeerAddress,
  queryKnownAddresses,
} from '../../../src/mesh/peers/addresses.ts';

const STAND_IN = join(import.meta.dir, '../../stand-ins/secubox-p2p');

test.each([
  ['192.0.2.7', '192.0.2.7', 7332],
  ['192.0.2.7:99', '192.0.2.7', 99],
  ['box.example.net:99', 'box.example.net', 99],
  ['[2001:db8::7]', '2001:db8::7', 7332],
  ['[2001:db8::7]:99', '2001:db8::7', 99],
])('%p is an address of a peer', (text, address, port) => {
  expect(parsePeerAddress(text, 7332)).toEqual({ address, port });
});

test.each([
  '',
  ':99',
  '192.0.2.7:0',
  '192.0.2.7:70000',
  '2001:db8::7',
  'a b',
  'http://a',
  'a;b',
  'a:b',
])('%p is refused as an address of a peer, with examples', (text) => {
  expect(() => parsePeerAddress(text, 7332)).toThrow(`${text} is not an address of a peer`);
});

const peer = (addresses: unknown, more = {}) => ({
  ...{ id: 'sb-1', name: 'one', address: '198.51.100.1', addresses, status: 'online' },
  ...more,
});
const at = (type: string, address: string) => ({ type, address, port: 7331 });

test('the addresses of secubox-p2p come WireGuard first, then LAN, then WAN, without our own', () => {
  const peers = [
    peer([at('lan', '192.168.1.2'), at('wan', '198.51.100.1'), at('wireguard', '10.0.0.2')]),
    peer([at('wireguard', '10.0.0.3'), at('carrier-pigeon', '192.0.2.9')], { address: null }),
    peer([at('lan', '192.168.1.1')], { is_local: true }),
  ];

  expect(parseKnownAddresses(JSON.stringify({ peers }))).toEqual([
    ...['10.0.0.2', '10.0.0.3', '192.168.1.2', '198.51.100.1', '192.0.2.9'],
  ]);
});

test.each([
  '',
  '[]',
  '{}',
  '{"peers":3}',
  '{"peers":[{"addresses":[{"type":1}]}]}',
  'error: no uci',
])('the answer %p of secubox-p2p gives no address', (text) => {
  expect(parseKnownAddresses(text)).toEqual([]);
});

test('addresses that are none are dropped, and a flood of them is cut', () => {
  const bad = ['-o ProxyCommand=x', 'a b', '$(reboot)', '', 'x'.repeat(300)].map((text) =>
    at('lan', text),
  );
  const many = Array.from({ length: 500 }, (_, n) => at('wan', `10.1.${n >> 8}.${n & 255}`));

  const found = parseKnownAddresses(JSON.stringify({ peers: [peer([...bad, ...many])] }));

  expect(found).toHaveLength(32);
  expect(found[0]).toBe('10.1.0.0');
});

describe('with a stand-in of secubox-p2p', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mailctl-p2p-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const hostHere = () =>
    createHost({ root: '/', env: { PATH: `${folder}:/usr/bin:/bin` }, say: () => undefined });

  test('the addresses of peers get the port of the mesh', async () => {
    copyFileSync(STAND_IN, join(folder, 'secubox-p2p'));
    const answer = JSON.stringify({ peers: [peer([at('lan', '192.168.1.2')])] });
    writeFileSync(join(folder, 'secubox-p2p.json'), answer);

    expect(await queryKnownAddresses(hostHere(), 7332)).toEqual([
      { address: '192.168.1.2', port: 7332 },
      { address: '198.51.100.1', port: 7332 },
    ]);
  });

  test('without the program no address is known', async () => {
    expect(await queryKnownAddresses(hostHere(), 7332)).toEqual([]);
  });
});
