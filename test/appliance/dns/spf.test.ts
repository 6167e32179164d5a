import { expect, test } from 'bun:test';
import { isSpf, mergeSpf } from '../../../src/appliance/dns/spf.ts';

const OURS = 'v=spf1 mx a:mail.example.com ~all';

test.each([
  ['v=spf1 -all', 'v=spf1 mx a:mail.example.com -all'],
  ['v=spf1', 'v=spf1 mx a:mail.example.com'],
  ['v=spf1 mx -all', 'v=spf1 mx a:mail.example.com -all'],
  ['v=spf1 +mx A:MAIL.example.com. ?all', 'v=spf1 +mx A:MAIL.example.com. ?all'],
  ['v=spf1 -mx ~all', 'v=spf1 -mx mx a:mail.example.com ~all'],
  ['v=spf1 redirect=_spf.them.example', 'v=spf1 mx a:mail.example.com redirect=_spf.them.example'],
  [
    'v=spf1 include:a.example exp=why.a.example -all',
    'v=spf1 include:a.example exp=why.a.example mx a:mail.example.com -all',
  ],
  [OURS, OURS],
])('%s becomes %s', (present, merged) => {
  expect(mergeSpf(present, OURS)).toBe(merged);
  expect(mergeSpf(merged, OURS)).toBe(merged);
});

test.each([
  ['v=spf1', true],
  ['V=SPF1 -all', true],
  ['v=spf10 -all', false],
  ['v=spf2.0/pra -all', false],
  [' v=spf1 -all', false],
])('%p is an SPF record: %p', (text, expected) => {
  expect(isSpf(text)).toBe(expected);
});
