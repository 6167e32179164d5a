// docs/json.md against what a running mail server prints: the words that need the real container.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { differences, readShapes } from '../json-document.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, settled, startLab } from './lab/lab.ts';

const SHAPES = readShapes();
const ALICE = 'alice@example.test';

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.prepare({ report: { enabled: 0 } });
}, 180_000);
afterAll(() => lab?.down());

interface Answer {
  readonly status: number;
  readonly faults: readonly string[];
  readonly data: Record<string, unknown>;
}

/** @param example of the document, without `mailctl` */
async function answer(example: string, words = example): Promise<Answer> {
  const { status, stdout, stderr } = await box.mailctl(`${words} --json`);
  if (stdout === '') throw new Error(`mailctl ${words} ended with ${status}\n${stderr}`);
  const data = JSON.parse(stdout) as Record<string, unknown>;
  return { status, data, faults: differences(SHAPES.get(`mailctl ${example}`) ?? {}, data) };
}

test('install prints what is documented, with the changes and without any', async () => {
  const first = await answer('install');
  const second = await answer('install');

  expect([first.faults, second.faults]).toEqual([[], []]);
  expect(first.data.changes).not.toEqual([]);
  await settled(box, lab.wan);
}, 180_000);

test('apply prints the changes', async () => {
  await box.configure({ smtp: { message_size_limit: '20M' } });

  const { status, data, faults } = await answer('apply');

  expect({ status, faults }).toEqual({ status: 0, faults: [] });
  expect(data.changes).not.toEqual([]);
  expect(data.running).toBe(true);
});

const LOOKS: readonly (readonly [example: string, words: string])[] = [
  ['status', 'status --sizes'],
  ['plan', 'plan'],
  ['start', 'start'],
  ['ssl-status', 'ssl-status'],
  ['queue list', 'queue list'],
  ['fail2ban list', 'fail2ban list'],
  ['logs', 'logs 200'],
  ['report generate', 'report generate'],
  ['report send', 'report send --always'],
  ['srs rotate', 'srs rotate'],
  ['version', 'version'],
];

test.each(LOOKS)('%s prints what is documented', async (example, words) => {
  const { faults } = await answer(example, words);

  expect(faults).toEqual([]);
});

test('ssl-status has the certificate of each port', async () => {
  const { data } = await answer('ssl-status');

  expect(data.ports).not.toEqual([]);
});

test('doctor prints what is documented for every check that it makes', async () => {
  const { faults, data } = await answer('doctor');

  expect(faults).toEqual([]);
  expect((data.checks as unknown[]).length).toBeGreaterThan(20);
}, 180_000);

test('test prints what became of the message', async () => {
  await box.does(`user add ${ALICE} --password-stdin`, { stdin: 'correct horse 7 battery' });

  const delivered = await answer('test', `test ${ALICE}`);
  const refused = await answer('test', 'test nobody@example.test');

  expect([delivered.faults, refused.faults]).toEqual([[], []]);
  expect([delivered.data.outcome, refused.status]).toEqual(['delivered', 1]);
});

test('restart prints what is documented', async () => {
  const { faults } = await answer('restart');

  expect(faults).toEqual([]);
}, 60_000);
