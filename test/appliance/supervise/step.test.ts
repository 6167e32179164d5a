// Which step follows from what serve sees, and when.

import { expect, test } from 'bun:test';
import {
  nextStep,
  remaining,
  retryPause,
  type Sight,
  type Step,
} from '../../../src/appliance/supervise/step.ts';

const UP: Sight = { wanted: true, running: true, lack: null, port: 'attached', behind: false };

test.each<[string, Partial<Sight>, Step]>([
  ['runs as wanted', {}, null],
  ['is not running', { running: false }, 'start'],
  ['is not running and cannot', { running: false, lack: 'no bridge' }, null],
  ['is not running and not wanted', { running: false, wanted: false }, null],
  ['runs unwanted', { wanted: false }, 'stop'],
  ['runs unwanted without its bridge', { wanted: false, port: 'no bridge' }, 'stop'],
  ['has lost its bridge', { port: 'no bridge', behind: true }, null],
  ['has its bridge back', { port: 'detached', behind: true }, 'attach'],
  ['has lost its interface', { port: 'gone' }, 'apply'],
  ['has older settings', { behind: true }, 'apply'],
])('a container that %s', (_, differs, step) => {
  expect(nextStep({ ...UP, ...differs })).toBe(step);
});

test('pauses grow from 30 seconds to 10 minutes', () => {
  const seconds = [1, 2, 3, 4, 5, 6, 100].map((attempts) => retryPause(attempts) / 1000);

  expect(seconds).toEqual([30, 60, 120, 240, 480, 600, 600]);
});

test('a pause that was set with a clock far ahead is over', () => {
  expect(remaining(31_000, 1000)).toBe(30_000);
  expect(remaining(1000, 31_000)).toBe(0);
  expect(remaining(Date.parse('2040-01-01'), Date.parse('2026-01-01'))).toBe(0);
});
