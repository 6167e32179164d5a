import { expect, test } from 'bun:test';
import { createPrograms } from '../../src/host/programs.ts';

test('a hanging program and its descendants are killed at the time limit', async () => {
  const programs = createPrograms({ PATH: process.env.PATH });
  const started = performance.now();
  const marker = `${31_000 + (process.pid % 1000)}`;

  const run = programs.query(['sh', '-c', `sleep ${marker} & sleep ${marker}; true`], {
    timeout: 300,
  });

  await expect(run).rejects.toThrow('sh did not finish within 0.3 s');
  expect(performance.now() - started).toBeLessThan(5000);
  const { stdout } = Bun.spawnSync([
    'sh',
    '-c',
    `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '`,
  ]);
  expect(stdout.toString()).not.toContain(`sleep ${marker}`);
});
