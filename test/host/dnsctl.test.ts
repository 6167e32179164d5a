import { expect, test } from 'bun:test';
import { dnsctlRefusal } from '../../src/host/dnsctl.ts';

test.each([
  [
    '{"success":false,"errors":[{"code":1004,"message":"DNS Validation Error","error_chain":[{"code":9100,"message":"priority is a required field."}]}]}',
    'DNS Validation Error; priority is a required field.',
  ],
  ['{"success":false,"error":"Record not found"}', 'Record not found'],
  [
    '{"class":"Client::Forbidden","message":"This call has not been granted"}',
    'This call has not been granted',
  ],
  [
    '{"httpCode":"403 Forbidden","errorCode":"INVALID_CREDENTIAL","message":"This credential is not valid"}null',
    'This credential is not valid',
  ],
  [
    '{"object":"HTTPUnauthorized","cause":"Unauthorized","code":401,"message":"not authorized"}',
    'not authorized',
  ],
  [
    '{"status":"error","errors":[{"location":"body","name":"rrset_ttl","description":"60 is less than minimum value 300"}]}',
    '60 is less than minimum value 300',
  ],
  ['{"error":"No API key configured"}', 'No API key configured'],
  [
    '\u001b[0;31m[ERROR]\u001b[0m Unknown provider: x (no adapter)',
    '[ERROR] Unknown provider: x (no adapter)',
  ],
  [
    'a brace { of no object {"code":409,"message":"exists {already}"} and } more',
    'exists {already}',
  ],
])('%s is a refusal', (output, reason) => {
  expect(
    dnsctlRefusal(`\u001b[0;32m[DNS]\u001b[0m Adding A record\n${output}\nRecord created.\n`),
  ).toBe(reason);
});

test.each([
  '{"message":"DNS Record Created"}',
  '{"id":5,"fieldType":"TXT","target":"code 404 error"}\nnull',
  '{"success":true,"errors":[],"messages":[],"result":{"content":"errorCode"}}',
  'garbage {{{{ "}} \u0000',
  '',
])('%s is none', (output) => {
  expect(dnsctlRefusal(output)).toBeNull();
});

test('unclosed braces end the search', () => {
  expect(dnsctlRefusal('{"'.repeat(1_000_000))).toBeNull();
  expect(dnsctlRefusal('{'.repeat(1_000_000))).toBeNull();
});
