import { expect, test } from 'bun:test';
import { cloudflareFields, cloudflareValue } from '../../../src/host/dns-api/cloudflare.ts';

test.each([
  ['A', '192.0.2.1', { content: '192.0.2.1' }],
  ['TXT', 'v=spf1 -all', { content: '"v=spf1 -all"' }],
  ['CNAME', 'mail.example.com.', { content: 'mail.example.com' }],
  ['MX', '10 mail.example.com.', { priority: 10, content: 'mail.example.com' }],
  [
    'SRV',
    '0 1 993 mail.example.com.',
    { data: { priority: 0, weight: 1, port: 993, target: 'mail.example.com' } },
  ],
  [
    'TLSA',
    '3 1 1 abcd',
    { data: { usage: 3, selector: 1, matching_type: 1, certificate: 'abcd' } },
  ],
  ['CAA', '0 issue "ca.example"', { data: { flags: 0, tag: 'issue', value: 'ca.example' } }],
])(
  'the %s record %s has the fields that the API requires, and is read from them',
  (type, value, fields) => {
    expect(cloudflareFields(type, value)).toEqual(fields);
    expect(cloudflareValue(type, fields)).toBe(value);
  },
);
