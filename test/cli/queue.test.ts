// mailctl queue and fail2ban: the programs that run inside the container.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { createRouter } from './router.ts';
import { createRunningRouter, type RunningRouter } from './running.ts';

const ID = '4jWdjv4LhZznQMS';
const MESSAGE = JSON.stringify({
  queue_name: 'deferred',
  queue_id: ID,
  arrival_time: 1795233539,
  message_size: 448,
  forced_expire: false,
  sender: 'alice@example.com',
  recipients: [{ address: 'bob@example.org', delay_reason: 'try \u001b[31magain' }],
});
const ANSWERS = `
  'postqueue -j') echo '${MESSAGE}' ;;
  'postqueue -f'|'postqueue -i ${ID}') ;;
  'postcat -hq ${ID}') printf 'Subject: \\033[31mhello\\n' ;;
  'postsuper -h ALL') echo 'postsuper: Placed on hold: 3 messages' >&2 ;;
  'postsuper -d ${ID}') echo 'postsuper: Deleted: 1 message' >&2 ;;
  'fail2ban-client banned') echo "[{'mail-login': ['192.0.2.9']}]" ;;
  'fail2ban-client unban 192.0.2.9') echo 1 ;;`;

let router: RunningRouter;
beforeEach(() => {
  router = createRunningRouter(ANSWERS);
});
afterEach(() => router.remove());

test('list prints one message a line, with the reply of the remote server', async () => {
  const { status, stdout } = await router.mailctl('queue list');

  expect(status).toBe(0);
  expect(stdout).toBe(
    `${ID}  deferred  2026-11-21 03:58  448B  alice@example.com -> bob@example.org  (try [31magain)\n`,
  );
});

test('list --json has the documented shape', async () => {
  const { stdout } = await router.mailctl('queue list --json');

  expect(JSON.parse(stdout)).toEqual({
    v: 1,
    messages: [
      {
        id: ID,
        queue: 'deferred',
        arrived: '2026-11-21T03:58:59.000Z',
        size_bytes: 448,
        sender: 'alice@example.com',
        recipients: [{ address: 'bob@example.org', reason: 'try [31magain' }],
      },
    ],
  });
});

test('show prints the header without its control characters', async () => {
  const { stdout } = await router.mailctl(`queue show ${ID}`);

  expect(stdout).toContain('Subject: [31mhello');
});

test('an unknown message exits with 67', async () => {
  const { status, stderr } = await router.mailctl('queue hold ABCDEF123');

  expect(status).toBe(67);
  expect(stderr).toContain('hint: mailctl queue list');
  expect(router.inside()).toEqual(['postqueue -j']);
});

test.each(['queue hold ALL', 'queue delete ../x --yes', 'queue flush $(id)'])(
  '%p never reaches the container',
  async (line) => {
    expect((await router.mailctl(line)).status).toBe(67);
    expect(router.inside()).toEqual(['']);
  },
);

test('hold all prints the number of messages', async () => {
  const { status, stdout } = await router.mailctl('queue hold all');

  expect({ status, stdout }).toEqual({ status: 0, stdout: '3 messages on hold\n' });
});

test('delete asks for confirmation; without a terminal it changes nothing and names --yes', async () => {
  const { status, stderr } = await router.mailctl(`queue delete ${ID}`);

  expect(status).toBe(64);
  expect(stderr).toContain('hint: repeat with --yes');
  expect(router.inside()).toEqual(['']);
});

test('delete --yes deletes', async () => {
  const { stdout } = await router.mailctl(`queue delete ${ID} --yes --json`);

  expect(JSON.parse(stdout)).toEqual({ v: 1, action: 'delete', messages: 1 });
});

test('delete --dry-run deletes nothing', async () => {
  const { status } = await router.mailctl(`queue delete ${ID} --dry-run`);

  expect(status).toBe(0);
  expect(router.inside()).toEqual(['postqueue -j']);
});

test('flush retries one message, or all', async () => {
  await router.mailctl(`queue flush ${ID}`);
  await router.mailctl('queue flush');

  expect(router.inside()).toEqual(['postqueue -j', `postqueue -i ${ID}`, 'postqueue -f']);
});

test('without a running container every queue command exits with 69', async () => {
  const off = createRouter();

  const { status, stderr } = await off.mailctl('queue list --json');

  expect(status).toBe(69);
  expect(JSON.parse(stderr).error).toMatchObject({ code: 'NOT_RUNNING', hint: 'mailctl start' });
  off.remove();
});

test('fail2ban lists and lifts bans', async () => {
  const listed = await router.mailctl('fail2ban list');
  const lifted = await router.mailctl('fail2ban unban 192.0.2.9');

  expect(listed.stdout).toBe('192.0.2.9  mail-login\n');
  expect(lifted.stdout).toBe('lifted 1 ban\n');
});

test.each(['fail2ban unban', 'fail2ban unban --all 192.0.2.9', 'fail2ban unban mail;id'])(
  '%p is refused before anything is run',
  async (line) => {
    expect((await router.mailctl(line)).status).toBe(64);
    expect(router.inside()).toEqual(['']);
  },
);
