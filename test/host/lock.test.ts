import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHost, type Host } from '../../src/host/host.ts';

const LOCK = { path: '/x.lock', holder: 'mailctl test', wait: 0 };

describe('the lock', () => {
  let root = '';
  let host: Host;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'mailctl-lock-'));
    host = createHost({ root, env: process.env, say: () => undefined });
  });
  afterEach(() => rm(root, { recursive: true }));

  test('a second holder is refused and told who holds it', async () => {
    await host.locks.hold(LOCK, async () => {
      await expect(host.locks.hold(LOCK, async () => 1)).rejects.toThrow('mailctl test (process');
    });
  });

  test('it is free again after its work failed', async () => {
    await expect(host.locks.hold(LOCK, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(await host.locks.hold(LOCK, async () => 'free')).toBe('free');
  });

  test('it dies with its process, also when that is killed', async () => {
    const module = join(import.meta.dir, '../../src/host');
    const script = `
      import { createHost } from '${module}/host.ts';
      const host = createHost({ root: '${root}', env: process.env, say: () => undefined });
      await host.locks.hold({ path: '/x.lock', holder: 'victim', wait: 0 }, async () => {
        console.log('held');
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });`;
    const victim = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
    await victim.stdout.getReader().read();
    await expect(host.locks.hold(LOCK, async () => 1)).rejects.toThrow('victim');
    victim.kill('SIGKILL');
    await victim.exited;
    expect(await host.locks.hold(LOCK, async () => 'free')).toBe('free');
  });
});
