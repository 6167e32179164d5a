import { expect, test } from 'bun:test';
import { planSteps } from '../../../src/host/dns-api/api.ts';
import { signOvh } from '../../../src/host/dns-api/ovh.ts';

const records = (...values: string[]) => values.map((value, id) => ({ id, value }));

test('a replaced value keeps its record, and other records are unchanged', () => {
  const present = records('theirs', 'old', 'older');

  expect(planSteps(present, { add: ['new'], remove: ['old', 'older'] })).toEqual({
    replace: [{ record: { id: 1, value: 'old' }, value: 'new' }],
    create: [],
    remove: [{ id: 2, value: 'older' }],
  });
});

test('a change that is already made is a no-op', () => {
  const nothing = { replace: [], create: [], remove: [] };

  expect(planSteps(records('theirs', 'new'), { add: ['new'], remove: ['old'] })).toEqual(nothing);
  expect(planSteps([], { add: [], remove: ['old'] })).toEqual(nothing);
});

test("a request is signed as in OVH's own example", () => {
  const account = {
    appSecret: 'EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF',
    consumerKey: 'MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1',
  };
  const call = { method: 'GET', url: 'https://eu.api.ovh.com/1.0/domains/', body: '' };

  // https://help.ovhcloud.com/csm/en-api-getting-started-ovhcloud-api
  expect(signOvh(account, call, 1366560945)).toBe('$1$d3705e8afb27a0d2970a322b96550abfc67bb798');
});
