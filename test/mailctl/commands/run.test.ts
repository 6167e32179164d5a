// The run functions of commands, called with an App: their output and exit status.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { MailctlError } from '../../../src/errors.ts';
import { runAdd, runList } from '../../../src/mailctl/commands/domain.ts';
import { run as runPlan } from '../../../src/mailctl/commands/plan.ts';
import { run as runStatus } from '../../../src/mailctl/commands/status.ts';
import { createWorkshop, type Workshop } from '../in-process.ts';

let workshop: Workshop;
beforeEach(() => {
  workshop = createWorkshop();
});
afterEach(() => workshop.remove());

test('domain add returns 0 and does not change the exit status of this process', async () => {
  const status = await runAdd(workshop.app(), 'example.org');

  expect(status).toBe(0);
  expect(workshop.printed.stdout).toBe('added example.org\n');
  expect(process.exitCode ?? 0).toBe(0);
});

test('domain add --dry-run returns 0, prints what it would write and adds nothing', async () => {
  const status = await runAdd(workshop.app({ dryRun: true }), 'example.org');
  expect(workshop.printed.stdout).toContain('would write /srv/mailserver/config/vdomains\n');

  workshop.printed.stdout = '';
  await runList(workshop.app());

  expect(status).toBe(0);
  expect(workshop.printed.stdout).toBe('example.com\n');
});

test('status returns 69 where nothing is installed', async () => {
  expect(await runStatus(workshop.app({ json: true }), {})).toBe(69);
  expect(JSON.parse(workshop.printed.stdout)).toMatchObject({ v: 1, state: 'absent' });
});

test('an error reaches the caller of run with its code', async () => {
  const failed = runPlan(workshop.app(), { check: true });

  await expect(failed).rejects.toBeInstanceOf(MailctlError);
  await expect(failed).rejects.toMatchObject({ code: 'NOT_INSTALLED' });
});
