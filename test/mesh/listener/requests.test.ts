import { expect, test } from 'bun:test';
import { parseRequest, parseRequestLine, readsJson } from '../../../src/mesh/listener/requests.ts';
import { randomTest } from '../../random.ts';

const SHA = 'c'.repeat(64);
const NONCE = 'd'.repeat(64);

function parse(line: string, body: unknown = '') {
  const [method = '', target = ''] = line.split(' ');
  const found = parseRequestLine(method, target);
  if (found === null) return null;
  return parseRequest(found, typeof body === 'string' ? body : JSON.stringify(body));
}

test.each([
  ['GET /v1/files', '', { kind: 'list' }],
  ['GET /v1/space', '', { kind: 'space' }],
  [
    'GET /v1/files/1-1.tar.zst.age?from=7',
    '',
    { kind: 'content', name: '1-1.tar.zst.age', from: 7 },
  ],
  [
    `PUT /v1/files/1.manifest.json?size=9&sha256=${SHA}&from=9`,
    '',
    { kind: 'upload', name: '1.manifest.json', size: 9, sha256: SHA, from: 9 },
  ],
  [
    'POST /v1/offers',
    { name: '1.manifest.json', size: 9, sha256: SHA },
    { kind: 'offer', name: '1.manifest.json', size: 9, sha256: SHA },
  ],
  [
    'POST /v1/proofs',
    { name: 'a', from: 0, to: 5, nonce: NONCE },
    { kind: 'proof', name: 'a', from: 0, to: 5, nonce: NONCE },
  ],
  ['POST /v1/removals', { names: ['a', 'b'] }, { kind: 'removal', names: ['a', 'b'] }],
] as const)('%s is understood', (line, body, expected) => {
  expect(parse(line, body)).toEqual(expected as never);
});

test.each([
  ['GET /v1/files/../../config/users?from=0', ''],
  ['GET /v1/files/..?from=0', ''],
  ['GET /v1/files/.1-1.tar.zst.age?from=0', ''],
  ['GET /v1/files/a%2fb?from=0', ''],
  ['GET /v1/files/%2e%2e?from=0', ''],
  ['GET /v1/files/a.part?from=0', ''],
  ['GET /v1/files/A?from=0', ''],
  [`GET /v1/files/${'a'.repeat(101)}?from=0`, ''],
  ['GET /v1/files/a?from=-1', ''],
  ['GET /v1/files/a?from=0&from=1', ''],
  ['GET /v1/files/a', ''],
  ['GET http://other/v1/files', ''],
  ['DELETE /v1/files/a', ''],
  ['POST /v1/files', ''],
  [`PUT /v1/files/a?size=5&sha256=${SHA}&from=6`, ''],
  [`PUT /v1/files/a?size=99999999999999&sha256=${SHA}&from=0`, ''],
  [`PUT /v1/files/a?size=5&sha256=${SHA.slice(1)}&from=0`, ''],
  [`PUT /v1/files/../a?size=5&sha256=${SHA}&from=0`, ''],
  ['POST /v1/offers', { name: '../a', size: 1, sha256: SHA }],
  ['POST /v1/offers', { name: 'a', size: -1, sha256: SHA }],
  ['POST /v1/offers', { name: 'a', size: 1.5, sha256: SHA }],
  ['POST /v1/offers', { name: 'a', size: 1, sha256: SHA, more: 1 }],
  ['POST /v1/offers', { name: 'a', size: '1', sha256: SHA }],
  ['POST /v1/offers', '{'],
  ['POST /v1/offers', 'null'],
  ['POST /v1/proofs', { name: 'a', from: 5, to: 5, nonce: NONCE }],
  ['POST /v1/proofs', { name: 'a', from: 0, to: 2 ** 30, nonce: NONCE }],
  ['POST /v1/proofs', { name: 'a', from: 0, to: 5, nonce: 'ab' }],
  ['POST /v1/removals', { names: ['..'] }],
  ['POST /v1/removals', { names: Array.from({ length: 1001 }, () => 'a') }],
  ['POST /v1/restore-key', { public_key: '../../x' }],
] as const)('%s with %j is refused', (line, body) => {
  expect(parse(line, body)).toBeNull();
});

randomTest('no random request throws, or names a place outside of the folder', (random) => {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const word = () =>
    pick(['a', '..', '/', '%2e', '?', '&', 'from=1', '\0', '\n', 'v1', 'é', '.part']);
  for (let round = 0; round < 2000; round += 1) {
    const tail = Array.from({ length: 6 }, word).join('');
    const line = parseRequestLine(pick(['GET', 'PUT', 'POST', 'HEAD']), `/v1/files/${tail}`);
    const found = line === null || readsJson(line) ? null : parseRequest(line, tail);
    if (found !== null && 'name' in found) expect(found.name).toMatch(/^[a-z0-9][a-z0-9.-]*$/);
  }
});
