import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { randomTest } from '../random.ts';
import { createRouter, HASH, type Router } from './router.ts';

let router: Router;
beforeEach(() => {
  router = createRouter();
});
afterEach(() => router.remove());

const MANY = 10_000;

function csvOf(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => `user${index}@example.com,${HASH},1G`);
  return `address,hash,quota\n${rows.join('\n')}\n`;
}

const count = () => router.rows('SELECT count(*) FROM mailbox')[0];

test('10,000 mailboxes with hashes are imported in one change', async () => {
  router.write('/list.csv', csvOf(MANY));

  const { status, stdout } = await router.mailctl('user import /list.csv');

  expect({ status, stdout }).toEqual({ status: 0, stdout: `created ${MANY}\n` });
  expect(count()).toBe(String(MANY));
  expect((await router.mailctl('user list')).stdout.split('\n').length).toBe(MANY + 1);
});

test('every invalid line is reported, and nothing is imported', async () => {
  await router.mailctl(`user add taken@example.com --hash ${HASH}`);
  router.write(
    '/list.csv',
    `\ufeffAddress;Hash;Quota;Active\r\ngood@example.com;${HASH};;\r\nbad;${HASH};;\r\n` +
      `plain@example.com;{PLAIN}secret99;;\r\nquota@example.com;${HASH};much;\r\n` +
      `far@example.org;${HASH};;\r\ngood@example.com;${HASH};;\r\nshort@example.com;x\r\n` +
      `taken@example.com;${HASH};;\r\nnone@example.com;;;\r\nactive@example.com;${HASH};;maybe\r\n`,
  );

  const { status, stdout, stderr } = await router.mailctl('user import /list.csv');

  expect({ status, stdout }).toEqual({ status: 65, stdout: '' });
  expect([...(stderr.match(/^\/list\.csv:\d+/gm) ?? [])]).toEqual(
    [3, 4, 5, 6, 7, 8, 9, 10, 11].map((line) => `/list.csv:${line}`),
  );
  expect(stderr).not.toContain('secret99');
  expect(count()).toBe('1');

  const partly = await router.mailctl('user import /list.csv --skip-invalid --json');
  expect(partly.status).toBe(1);
  expect(JSON.parse(partly.stdout)).toMatchObject({ v: 1, created: 1, updated: 0, skipped: 0 });
  expect(JSON.parse(partly.stdout).problems).toHaveLength(9);
  expect(count()).toBe('2');
});

test('existing mailboxes are refused, skipped or updated, by option', async () => {
  await router.mailctl(`user add a@example.com --hash ${HASH}`);
  const list = JSON.stringify([
    { address: 'a@example.com', quota: '2G', active: false },
    { address: 'b@example.com', hash: `{BLF-CRYPT}$2y$05$${'b'.repeat(53)}`, quota_bytes: null },
  ]);
  const quotas = () => router.rows('SELECT local, login, quota_bytes FROM mailbox ORDER BY 1');

  expect((await router.mailctl('user import -', { stdin: list })).status).toBe(65);
  expect(quotas()).toEqual(['a 1 ']);
  const skipped = await router.mailctl('user import - --skip-existing', { stdin: list });
  expect(skipped.stdout).toBe('created 1, skipped 1 existing\n');
  expect(quotas()).toEqual(['a 1 ', 'b 1 ']);
  const updated = await router.mailctl('user import - --update', { stdin: list });
  expect(updated.stdout).toBe('created 0, updated 2\n');
  expect(quotas()).toEqual([`a 0 ${2 ** 31}`, 'b 1 ']);
});

test('passwords of a list are hashed, and MD5 hashes cause a warning', async () => {
  const stdin = `address,password,hash\na@example.com,"correct, horse",\nb@example.com,,$1$salt$${'c'.repeat(22)}\n`;

  const { status, stderr } = await router.mailctl('user import -', { stdin });

  expect(status).toBe(0);
  expect(stderr).toContain('standard input:3: b@example.com: MD5-CRYPT is a weak hash');
  const [hash = ''] = router.rows("SELECT password FROM mailbox WHERE local = 'a'");
  expect(await Bun.password.verify('correct, horse', hash.replace('{ARGON2ID}', ''))).toBe(true);
});

test('a common password in a list is refused with its line, and not repeated', async () => {
  const stdin = 'address,password\na@example.com,correct horse\nb@example.com,sunshine1\n';

  const { status, stderr } = await router.mailctl('user import -', { stdin });

  expect(status).toBe(65);
  expect(stderr).toContain('standard input:3: the password is in the list of common passwords');
  expect(stderr).not.toContain('sunshine1');
});

test.each([
  ['[1, 2', 'not valid JSON'],
  ['{"mailboxes": 3}', 'expected a JSON list'],
  ['user,hash\na@example.com,x\n', 'a header with a column "address"'],
  ['address,hash\n"a@example.com,x\n', 'quote not closed'],
  ['address,secret\na@example.com,x\n', 'unknown column "secret"'],
])('the list %p is refused as a whole', async (stdin, reason) => {
  const { status, stderr } = await router.mailctl('user import -', { stdin });

  expect(status).toBe(65);
  expect(stderr.toLowerCase()).toContain(reason.toLowerCase());
});

test('--add-domains adds the domains that an import needs', async () => {
  const stdin = `address,hash\na@new.example,${HASH}\n`;

  expect((await router.mailctl('user import -', { stdin })).status).toBe(65);
  expect((await router.mailctl('user import - --add-domains', { stdin })).status).toBe(0);
  expect(router.accounts('vdomains')).toContain('new.example');
});

test('a dry run reports the errors and what would be written, and changes nothing', async () => {
  router.write('/list.csv', csvOf(3));

  const { status, stdout } = await router.mailctl('user import /list.csv --dry-run');

  expect(status).toBe(0);
  expect(stdout).toContain('would write /srv/mailserver/config/users');
  expect(existsSync(join(router.root, 'srv/mailserver/config/users'))).toBe(false);
});

test.each(['csv', 'json'])(
  'an export as %s has mode 0600 and imports the same mailboxes elsewhere',
  async (format) => {
    router.write('/list.csv', csvOf(3));
    await router.mailctl('user import /list.csv');
    await router.mailctl('user suspend user1@example.com');
    await router.mailctl('user quota user2@example.com unlimited');
    const before = router.accounts('users');

    await router.mailctl(`user export --with-hashes --output /copy.${format}`);
    const copy = join(router.root, `copy.${format}`);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    const other = createRouter();
    other.write(`/copy.${format}`, readFileSync(copy, 'utf8'));
    expect((await other.mailctl(`user import /copy.${format}`)).status).toBe(0);

    expect(other.accounts('users')).toBe(before);
    other.remove();
  },
);

test('an export without --with-hashes contains no hashes', async () => {
  await router.mailctl(`user add a@example.com --hash ${HASH}`);

  expect((await router.mailctl('user export')).stdout).toBe(
    'address,active,quota,direction,name\na@example.com,true,default,both,\n',
  );
});

/** All four files and the database have the same number of mailboxes, and no temporary file is left. */
function settledCount(): number {
  const lines = (name: string) => router.accounts(name).split('\n').length - 1;
  const folder = join(router.root, 'srv/mailserver');
  expect(readdirSync(join(folder, 'config')).sort()).toEqual([
    'users',
    'valias',
    'vdomains',
    'vmailbox',
  ]);
  expect(readdirSync(join(folder, 'directory'))).toEqual(['directory.db']);
  expect(lines('users')).toBe(lines('vmailbox'));
  expect(count()).toBe(String(lines('users')));
  expect(router.rows('PRAGMA integrity_check')).toEqual(['ok']);
  return lines('users');
}

/** Starts an import of 2000 beside one mailbox, kills it at `moment`, and counts the mailboxes. */
async function killedImport(moment: (running: Bun.Subprocess) => Promise<unknown>) {
  router.remove();
  router = createRouter();
  router.write('/list.csv', csvOf(2000));
  await router.mailctl(`user add first@example.com --hash ${HASH}`);
  const running = router.start('user import /list.csv --skip-existing');
  await moment(running);
  running.kill('SIGKILL');
  await running.exited;
  const pending = existsSync(COMMIT());

  const listed = (await router.mailctl('user list')).stdout.trim().split('\n').length;
  expect([1, 2001]).toContain(listed);
  expect((await router.mailctl('user quota first@example.com 1G')).status).toBe(0);
  expect(settledCount()).toBe(listed);
  return { listed, pending };
}

/** Exists from the commit until the database is written. */
const COMMIT = () => join(router.root, 'srv/mailserver/config/.commit');

/** Also ends when the import ends. */
async function isCommitted(running: Bun.Subprocess): Promise<void> {
  while (!existsSync(COMMIT()) && running.exitCode === null) await Bun.sleep(0);
}

test('an import that is killed before its commit has no effect', async () => {
  const { listed } = await killedImport(async () => undefined);

  expect(listed).toBe(1);
});

test('an import that is killed after its commit is finished by the next command', async () => {
  let interrupted = 0;
  // a kill after the database was written does not test the next command
  for (let round = 0; round < 10 && interrupted === 0; round += 1) {
    const { listed, pending } = await killedImport(isCommitted);
    expect(listed).toBe(2001);
    if (pending) interrupted += 1;
  }
  expect(interrupted).toBe(1);
}, 60_000);

randomTest(
  'an import that is killed at any moment is complete or absent for every reader',
  async (random) => {
    let whole = 0;
    await killedImport(async (running) => {
      const started = performance.now();
      await running.exited;
      whole = performance.now() - started;
    });
    for (let round = 0; round < 14; round += 1) {
      await killedImport(() => Bun.sleep(random() * whole));
    }
  },
  60_000,
);

test('an import gives directions and names, as an export wrote them', async () => {
  await router.mailctl(`user add t@example.com --hash ${HASH}`);
  await router.mailctl('alias add team@example.com t@example.com');
  await router.mailctl('alias add @example.com t@example.com');
  await router.mailctl('alias add team@example.com e@example.com');
  router.write(
    '/list.csv',
    `address,hash,direction,name\na@example.com,${HASH},send-only,\n` +
      `b@example.com,${HASH},,"Bob, Jr."\nc@example.com,${HASH},up,\nd@example.com,${HASH},,a:b\ne@example.com,${HASH},send-only,\n`,
  );
  const { stderr } = await router.mailctl('user import /list.csv --skip-invalid');
  expect(stderr).toContain(
    '/list.csv:4: "up" is not a direction: expected both, send-only, receive-only',
  );
  expect(stderr).toContain('/list.csv:5: "a:b" is not a display name');
  expect(stderr).toContain('/list.csv:6: team@example.com depends on it');
  expect(router.accounts('users')).not.toContain('e@example.com');

  await router.mailctl('user export --with-hashes --output /copy.csv');
  const users = router.accounts('users');
  for (const name of ['a', 'b']) await router.mailctl(`user del ${name}@example.com`);
  expect((await router.mailctl('user import /copy.csv --skip-existing')).status).toBe(0);

  expect(router.accounts('users')).toBe(users);
  expect(users).toContain(':::Bob, Jr.:::');
});

test('an import leaves out what a limit of its domain does not allow', async () => {
  await router.mailctl('domain limit example.com --mailboxes 2');
  router.write('/list.csv', csvOf(3));

  const whole = await router.mailctl('user import /list.csv');
  expect(whole.status).toBe(65);
  expect(whole.stderr).toContain('/list.csv:4: example.com may have 2 mailboxes and has 2');

  const partly = await router.mailctl('user import /list.csv --skip-invalid');
  expect({ status: partly.status, stdout: partly.stdout }).toEqual({
    status: 1,
    stdout: 'created 2, left out 1\n',
  });
});

test('an import that updates counts the new quotas towards the limit of the domain', async () => {
  await router.mailctl(`user add a@example.com --quota 1G --hash ${HASH}`);
  await router.mailctl('domain limit example.com --quota 4G');
  const list = (first: string) =>
    router.write(
      '/list.csv',
      `address,hash,quota\na@example.com,,${first}\nb@example.com,${HASH},2G\n`,
    );

  list('3G');
  const over = await router.mailctl('user import /list.csv --update');
  expect(over.stderr).toContain('/list.csv:3: example.com may give its mailboxes 4G together');
  list('2G');
  expect((await router.mailctl('user import /list.csv --update')).status).toBe(0);
});
