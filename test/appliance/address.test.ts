import { describe, expect, test } from 'bun:test';
import {
  parseAddress,
  parseAliasName,
  parseDomain,
  parseTarget,
  withoutExtension,
} from '../../src/appliance/address.ts';

const label63 = 'a'.repeat(63);

test.each([
  ['alice@example.com', 'alice@example.com'],
  ['Alice.Smith@EXAMPLE.Com', 'alice.smith@example.com'],
  ['a_b-c=d@example.com', 'a_b-c=d@example.com'],
  ['alice@bücher.example', 'alice@xn--bcher-kva.example'],
  ['alice@BÜCHER.example', 'alice@xn--bcher-kva.example'],
  ['alice@xn--bcher-kva.example', 'alice@xn--bcher-kva.example'],
  ['alice@例え。テスト', 'alice@xn--r8jz45g.xn--zckzah'],
  [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
  [`a@${label63}.example`, `a@${label63}.example`],
])('parseAddress stores %p as %p', (text, stored) => {
  expect(parseAddress(text) as string).toBe(stored);
  expect(parseAddress(stored) as string).toBe(stored);
});

test.each(['alice', '@example.com', 'alice@', ''])('parseAddress rejects %p', (text) => {
  expect(() => parseAddress(text)).toThrow('is not a mail address');
});

describe('parseAddress names the reason of a refusal', () => {
  test.each([
    ['a/b@example.com', 'the character /'],
    ['../../etc@example.com', 'the character /'],
    ['a..b@example.com', 'two dots'],
    ['.a@example.com', 'a dot'],
    ['a.@example.com', 'a dot'],
    ['..@example.com', 'a dot'],
    ['-rf@example.com', 'the character -'],
    ['=cmd@example.com', 'the character ='],
    ['a b@example.com', 'a space'],
    ['a\tb@example.com', 'control character "\\t"'],
    ['a\nb@example.com', 'control character "\\n"'],
    ['a\0b@example.com', 'control character "\\u0000"'],
    ['a:b@example.com', 'the character :'],
    ['a,b@example.com', 'the character ,'],
    ['#a@example.com', 'the character #'],
    ['a%b@example.com', 'the character %'],
    ["o'brien@example.com", "the character '"],
    ['"a b"@example.com', 'quoted local parts'],
    ['a$(id)@example.com', 'the character $'],
    ['a`id`@example.com', 'the character `'],
    ['a{user}@example.com', 'the character {'],
    ['a|b@example.com', 'the character |'],
    ['a\\b@example.com', 'the character \\'],
    ['a;b@example.com', 'the character ;'],
    ['a*@example.com', 'the character *'],
    ['a@b@example.com', 'the character @'],
    ['alice+tag@example.com', 'which separates an extension'],
    ['älice@example.com', 'the character ä'],
    [`${'a'.repeat(65)}@example.com`, 'longer than 64'],
    ['a@localhost', 'two labels'],
    ['a@example..com', 'empty label'],
    ['a@example.com.', 'empty label'],
    ['a@.example.com', 'empty label'],
    ['a@-example.com', 'inner hyphens'],
    ['a@exa_mple.com', 'inner hyphens'],
    ['a@exa mple.com', 'inner hyphens'],
    ['a@example.com\n', 'inner hyphens'],
    ['a@[192.0.2.1]', 'inner hyphens'],
    ['a@192.0.2.1', 'ends in a number'],
    ['a@１.2.3.４', 'ends in a number'],
    ['a@xn--a.example', 'not valid in a host name'],
    [`a@${'a'.repeat(64)}.example`, 'longer than 63'],
    [`a@${`${label63}.`.repeat(4)}example`, 'longer than 253'],
    [`${'a'.repeat(60)}@${`${label63}.`.repeat(3)}example`, 'longer than 254'],
    [`a@${'ü'.repeat(5000)}.example`, 'longer than 253'],
  ])('%p', (text, reason) => {
    expect(() => parseAddress(text)).toThrow(reason);
  });

  test('and escapes control characters', () => {
    expect(() => parseAddress('a\u001b[31m\u0085\u202e@example.com')).toThrow(
      /^"a\\u001b\[31m\\u0085\\u202e@example\.com" is not/,
    );
  });
});

test.each(["o'brien@example.org", 'alice+list@example.com', 'a&b@example.org'])(
  'a target may be %p',
  (text) => {
    expect(parseTarget(text) as string).toBe(text);
  },
);

test.each(['|cmd@example.com', '/file@example.com', 'a!b@example.com', ':include:@example.com'])(
  'a target may not be %p',
  (text) => {
    expect(() => parseTarget(text)).toThrow('is not a mail address');
  },
);

test('an alias may be a whole domain', () => {
  expect(parseAliasName('@Bücher.example') as string).toBe('@xn--bcher-kva.example');
  expect(() => parseAliasName('@')).toThrow('is not a mail domain');
});

test.each([
  '',
  '.',
  '..',
  'com',
  '../etc',
  'a/b.example',
  'example.com:25',
  '-x.example',
  '@x.com',
])('parseDomain rejects %p', (text) => {
  expect(() => parseDomain(text)).toThrow('is not a mail domain');
});

test('withoutExtension removes the +extension', () => {
  expect(withoutExtension(parseTarget('alice+a+b@example.com')) as string).toBe(
    'alice@example.com',
  );
  expect(withoutExtension(parseTarget('alice@example.com')) as string).toBe('alice@example.com');
});
