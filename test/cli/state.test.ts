// Commands with a damaged state file.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { createRouter, type Router } from './router.ts';

let router: Router;
beforeEach(() => {
  router = createRouter();
});
afterEach(() => router.remove());

interface Finding {
  readonly severity: string;
  readonly message: string;
  readonly fix: string | null;
}

async function findings(): Promise<Finding[]> {
  const { stdout } = await router.mailctl('doctor --only state.files --json');
  const { checks } = JSON.parse(stdout) as { checks: (Finding & { id: string })[] };
  return checks.filter(({ id }) => id === 'state.files');
}

test('doctor names each damaged file, what its loss means, and the fix', async () => {
  router.write('/srv/mailserver/schedule.json', '{"v":1,');
  router.write('/srv/mailserver/dns/state.json', 'null');
  router.write('/srv/mailserver/acme/tlsa.json.damaged-20261121T120000Z', '');

  const found = await findings();

  expect(found.map(({ severity }) => severity).sort()).toEqual(['error', 'warning', 'warning']);
  const of = (name: string) => found.find(({ message }) => message.includes(name));
  expect(of('dns/state.json')?.fix).toContain('restore it from a backup');
  expect(of('schedule.json')?.message).toContain('every job counts as never run');
  expect(of('tlsa.json')?.fix).toBe('rm /srv/mailserver/acme/tlsa.json.damaged-20261121T120000Z');
});

test('doctor reports nothing when every file is readable', async () => {
  expect((await findings()).map(({ severity }) => severity)).toEqual(['ok']);
});

test('dns-setup --undo changes nothing when the published records are unknown', async () => {
  const path = router.write('/srv/mailserver/dns/state.json', '{');

  const { status, stderr } = await router.mailctl('dns-setup --undo --yes');

  expect(status).toBe(65);
  expect(stderr).toContain('/srv/mailserver/dns/state.json is damaged: it is not JSON');
  expect(stderr).toContain('restore it from a backup');
  expect(existsSync(path)).toBe(true);
});

test('status works with a damaged schedule, and reports it', async () => {
  const path = router.write('/srv/mailserver/schedule.json', '{');

  const { stderr, stdout } = await router.mailctl('status --json');

  expect(JSON.parse(stdout)).toHaveProperty('v', 1);
  expect(stderr).toContain('/srv/mailserver/schedule.json is damaged');
  expect(existsSync(path)).toBe(true);
});
