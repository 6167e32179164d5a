import { expect, test } from 'bun:test';
import { parseImageManifest } from '../../../src/appliance/container/image-manifest.ts';
import { MailctlError } from '../../../src/errors.ts';

const MANIFEST = {
  v: 1,
  variant: 'standard',
  architecture: 'amd64',
  debian: '13',
  recipe_sha256: 'a'.repeat(64),
  image_sha256: 'b'.repeat(64),
  image_bytes: 49_250_304,
  created_from: { suite: 'trixie', point_release: '13.1', source_date_epoch: 1_757_000_000 },
  packages: { postfix: '3.10.4-1~deb13u1', 'libstdc++6': '14.2.0-19', bsdutils: '1:2.41-5' },
};

function parseChanged(change: Record<string, unknown>) {
  return parseImageManifest(JSON.stringify({ ...MANIFEST, ...change }), 'x.manifest.json');
}

test('a manifest survives a round trip', () => {
  expect(parseChanged({})).toEqual(MANIFEST as ReturnType<typeof parseImageManifest>);
});

test('an unknown field is ignored', () => {
  expect(parseChanged({ signature: 'x' })).not.toHaveProperty('signature');
});

test.each<[string, Record<string, unknown>, string]>([
  ['another version', { v: 2 }, 'v is 2; expected 1'],
  ['an unknown variant', { variant: 'huge' }, 'variant is "huge"; expected standard or antivirus'],
  ['an unknown architecture', { architecture: 'mips' }, 'architecture is "mips"'],
  ['a missing field', { image_sha256: undefined }, 'image_sha256 is missing'],
  ['a hash in upper case', { recipe_sha256: 'A'.repeat(64) }, 'recipe_sha256 is'],
  ['a size of zero', { image_bytes: 0 }, 'image_bytes is 0'],
  ['a size that is text', { image_bytes: '1' }, 'image_bytes is "1"'],
  ['a list of packages', { packages: ['postfix'] }, 'packages is ["postfix"]; expected an object'],
  ['no packages', { packages: {} }, 'at least one package'],
  ['a package name with a path', { packages: { '../x': '1' } }, 'names of Debian packages'],
  ['a version with a control character', { packages: { postfix: '1\n2' } }, 'postfix is "1\\n2"'],
  ['no origin', { created_from: null }, 'created_from is null; expected an object'],
])('a manifest with %s is refused, and the message names the field', (_, change, message) => {
  expect(() => parseChanged(change)).toThrow(message);
});

test.each(['', 'null', '[]', '"text"', '{', '\0'])('%p is not a manifest', (text) => {
  const parse = () => parseImageManifest(text, 'broken');
  expect(parse).toThrow(MailctlError);
  expect(parse).toThrow('broken is not a manifest');
});
