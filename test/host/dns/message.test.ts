import { expect, test } from 'bun:test';
import * as packet from 'dns-packet';
import { decodeAnswer, encodeQuery, negativeTtl } from '../../../src/host/dns/message.ts';
import { canonicalIpv6 } from '../../../src/host/ip.ts';

const QUESTION = { name: 'example.com', type: 'TXT' } as const;

function answerWith(answers: packet.Answer[], name = 'example.com'): Buffer {
  const flags = packet.AUTHORITATIVE_ANSWER;
  const questions: packet.Question[] = [{ name, type: 'TXT', class: 'IN' }];
  return packet.encode({ type: 'response', id: 7, flags, questions, answers });
}

test('the strings of a TXT record are joined to one text, with any bytes', () => {
  const data = [Buffer.from('a'.repeat(255)), Buffer.from([0xe9, 0x22])];
  const bytes = answerWith([{ type: 'TXT', name: 'EXAMPLE.com', ttl: 5, data }]);

  expect(decodeAnswer(bytes, 7, QUESTION)).toMatchObject({
    authoritative: true,
    answers: [{ name: 'example.com', type: 'TXT', ttl: 5, value: `${'a'.repeat(255)}é"` }],
  });
});

test('an answer to another question, with another id, or without the answer bit is ignored', () => {
  expect(decodeAnswer(answerWith([]), 8, QUESTION)).toBeNull();
  expect(decodeAnswer(answerWith([], 'example.org'), 7, QUESTION)).toBeNull();
  expect(decodeAnswer(encodeQuery(7, QUESTION, {}), 7, QUESTION)).toBeNull();
});

test('truncated, corrupted and random bytes never throw', () => {
  const whole = answerWith([{ type: 'TXT', name: 'example.com', ttl: 5, data: 'text' }]);
  for (let length = 0; length < whole.length; length += 1) {
    decodeAnswer(whole.subarray(0, length), 7, QUESTION);
    for (const mask of [0x01, 0x80, 0xff]) {
      const turned = Buffer.from(whole);
      turned.writeUInt8(turned.readUInt8(length) ^ mask, length);
      decodeAnswer(turned, 7, QUESTION);
    }
  }
});

test('IPv6 addresses have one form', () => {
  expect(canonicalIpv6('2001:0DB8:0:0::0001')).toBe('2001:db8::1');
});

test('a missing name is cached for the minimum of the TTL and the last field of the SOA', () => {
  const soa = { name: 'example.com', type: 'SOA', value: 'a. b. 1 2 3 4 60' };

  expect(negativeTtl({ ...soa, ttl: 3600 })).toBe(60);
  expect(negativeTtl({ ...soa, ttl: 30 })).toBe(30);
});
