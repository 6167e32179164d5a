// A change of the accounts whose process was killed at the commit: which commands finish it.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRouter, type Router } from './router.ts';

let router: Router;
let folder: string;
beforeEach(async () => {
  router = createRouter();
  folder = join(router.root, 'srv/mailserver/config');
  await router.mailctl('user add first@example.com --generate');
  // as fileSets leaves it between the rename of the folder and the first file put in place
  mkdirSync(join(folder, '.commit'));
  const texts = { vdomains: 'example.com\nexample.org\n' };
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(join(folder, '.commit', name), text);
  }
});
afterEach(() => router.remove());

const isPending = () => existsSync(join(folder, '.commit'));
const compiled = () => router.rows('SELECT name FROM domain ORDER BY name');

for (const line of [
  'user show first@example.com',
  'user export',
  'plan',
  'doctor --only accounts',
  'serve --dry-run',
]) {
  test(`mailctl ${line} shows the new accounts and does not finish the change`, async () => {
    await router.mailctl(line);

    expect(isPending()).toBe(true);
    expect(compiled()).toEqual(['example.com']);
  });
}

for (const line of ['domain list', 'user list', 'alias list']) {
  test(`mailctl ${line} finishes the change`, async () => {
    await router.mailctl(line);

    expect(isPending()).toBe(false);
    expect(compiled()).toEqual(['example.com', 'example.org']);
  });
}

test('mailctl domain list --dry-run shows the new accounts and does not finish the change', async () => {
  const { stdout } = await router.mailctl('domain list --dry-run');

  expect(stdout).toBe('example.com\nexample.org\n');
  expect(isPending()).toBe(true);
});
