// mailctl report enable and disable, in a UCI file with and without the section.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRouter, type Router } from './router.ts';

const UCI = '/etc/config/mailserver';
const MAIN = "config mailserver 'main'\n\toption domain 'example.com'\n";

let router: Router;
beforeEach(() => {
  router = createRouter();
});
afterEach(() => router.remove());

const uci = () => readFileSync(join(router.root, UCI), 'utf8');

test('report disable adds the section where the UCI file has none', async () => {
  router.write(UCI, MAIN);

  const { status, stdout, stderr } = await router.mailctl('report disable');

  expect({ status, stdout, stderr }).toEqual({
    status: 0,
    stdout: 'the daily report is off\n',
    stderr: '',
  });
  expect(uci()).toBe(`${MAIN}\nconfig report 'report'\n\toption enabled '0'\n`);
  expect((await router.mailctl('report disable')).stdout).toBe('the daily report is off already\n');
  expect((await router.mailctl('report enable')).stdout).toBe('the daily report is on\n');
  expect(uci()).toContain("\toption enabled '1'\n");
});
