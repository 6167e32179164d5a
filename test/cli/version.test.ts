// mailctl version: its output, also before the install.

import { expect, test } from 'bun:test';
import packageFile from '../../package.json' with { type: 'json' };
import { createRouter } from './router.ts';

test('version prints program and templates, and that no image is installed', async () => {
  const router = createRouter();

  const { status, stdout } = await router.mailctl('version --json');

  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    v: 1,
    version: packageFile.version,
    bun: Bun.version,
    templates_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    image: null,
  });
  router.remove();
});

test('version works without a UCI file', async () => {
  const router = createRouter();

  const { status, stdout } = await router.mailctl('version --config /nowhere');

  expect(status).toBe(0);
  expect(stdout).toStartWith(`mailctl ${packageFile.version}\n`);
  router.remove();
});

test('--version is the command version, also with --json', async () => {
  const router = createRouter();

  const asked = await router.mailctl('--version');
  const word = await router.mailctl('version');
  expect([asked.status, asked.stdout]).toEqual([0, word.stdout]);
  const { stdout } = await router.mailctl('--json --version');
  expect(JSON.parse(stdout)).toMatchObject({ v: 1, version: packageFile.version });
  router.remove();
});

test.each(['--version user list', 'user list --version'])('%s is refused', async (line) => {
  const router = createRouter();

  expect(await router.mailctl(line)).toMatchObject({ status: 64, stdout: '' });
  router.remove();
});
