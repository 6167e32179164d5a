import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
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

  test('a second process gets LOCKED with the name of the holder', async () => {
    await host.locks.hold(LOCK, async () => {
      await expect(host.locks.hold(LOCK, async () => 1)).rejects.toMatchObject({
        code: 'LOCKED',
        message: `locked by mailctl test (pid ${process.pid})`,
        holder: { command: 'mailctl test', pid: process.pid },
      });
    });
  });

  test('the lock is released when its work fails', async () => {
    await expect(host.locks.hold(LOCK, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(await host.locks.hold(LOCK, async () => 'free')).toBe('free');
  });

  test('only the owner can open the file, since a reader could hold the lock', async () => {
    await host.locks.hold(LOCK, async () => 1);
    expect((await stat(join(root, 'x.lock'))).mode & 0o777).toBe(0o600);
  });

  test('the mode of a file that an older version left readable is fixed', async () => {
    await writeFile(join(root, 'x.lock'), '', { mode: 0o644 });
    await host.locks.hold(LOCK, async () => 1);
    expect((await stat(join(root, 'x.lock'))).mode & 0o777).toBe(0o600);
  });

  test.skipIf(process.geteuid?.() !== 0)('an unprivileged user cannot hold the lock', async () => {
    await chmod(root, 0o755);
    await host.locks.hold(LOCK, async () => 1);
    const script = `import fcntl, sys, time
file = open('${root}/x.lock')
fcntl.lockf(file, fcntl.LOCK_SH)
print('held', flush=True)
time.sleep(60)`;
    const words = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const user = Bun.spawn([...words, '/usr/bin/python3', '-c', script], {
      ...{ stdout: 'pipe', stderr: 'pipe' },
    });
    const said = await user.stdout.getReader().read();
    const got = await host.locks.hold(LOCK, async () => 'free').catch(String);
    user.kill('SIGKILL');

    expect(got).toBe('free');
    expect(said.done).toBe(true);
  });

  test('a killed process releases the lock', async () => {
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
