import { expect, test } from 'bun:test';
import { formatRdata, parseRdata } from '../../../src/host/dns-api/rdata.ts';

test.each([
  ['TXT', '"v=spf1 -all"', 'v=spf1 -all'],
  ['TXT', '"a" "b c"', 'ab c'],
  ['TXT', '"say \\"hi\\" \\\\ \\195\\188"', 'say "hi" \\ Ã¼'],
  ['TXT', 'v=spf1 unquoted', 'v=spf1 unquoted'],
  ['AAAA', '2001:DB8:0::1', '2001:db8::1'],
  ['CNAME', 'Mail.Example.com.', 'mail.example.com.'],
  ['CNAME', 'mail', 'mail.example.com.'],
  ['CNAME', '@', 'example.com.'],
  ['MX', '10 mail', '10 mail.example.com.'],
  ['MX', '0 .', '0 .'],
  ['SRV', '0 1 993 mail.example.net.', '0 1 993 mail.example.net.'],
  ['TLSA', '3 1 1 ABCD EF01', '3 1 1 abcdef01'],
  ['CAA', '0 issue "letsencrypt.org"', '0 issue "letsencrypt.org"'],
  ['CAA', '128 iodef "mailto:a b@example.com"', '128 iodef "mailto:a b@example.com"'],
])('the %s record %s means %s', (type, text, value) => {
  expect(parseRdata(type, text, 'example.com')).toBe(value);
});

test('a text of any length and characters survives quoting and unquoting', () => {
  for (const value of ['x'.repeat(700), 'quotes " and \\ and ; and \'', ' lead', '']) {
    expect(parseRdata('TXT', formatRdata('TXT', value), 'example.com')).toBe(value);
  }
});
