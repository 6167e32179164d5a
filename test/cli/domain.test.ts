import { afterEach, beforeEach, expect, test } from 'bun:test';
import { createRouter, HASH, type Router } from './router.ts';

let router: Router;
beforeEach(() => {
  router = createRouter();
});
afterEach(() => router.remove());

test("the appliance's own domain exists from the start and cannot be deleted", async () => {
  expect((await router.mailctl('domain list')).stdout).toBe('example.com\n');

  const { status, stderr } = await router.mailctl('domain del example.com');
  expect(status).toBe(64);
  expect(stderr).toContain("the appliance's own domain");
});

test('domain add stores an internationalized name in A-labels; repeated, it is a no-op', async () => {
  expect(await router.mailctl('domain add Bücher.example')).toMatchObject({
    status: 0,
    stdout: 'added xn--bcher-kva.example\n',
  });
  expect(await router.mailctl('domain add xn--bcher-kva.example')).toMatchObject({
    status: 0,
    stdout: 'xn--bcher-kva.example is a mail domain already\n',
  });
  expect(router.accounts('vdomains')).toBe('example.com\nxn--bcher-kva.example\n');
});

test('domain del names what uses the domain, and the command that removes it', async () => {
  await router.mailctl('domain add example.org');
  await router.mailctl(`user add bob@example.org --hash ${HASH}`);
  expect(JSON.parse((await router.mailctl('domain list --json')).stdout).domains[1]).toEqual({
    name: 'example.org',
    mailboxes: 1,
    aliases: 0,
    alias_of: null,
    quota_bytes: 2 ** 30,
    ...{ max_mailboxes: null, max_aliases: null, max_quota_bytes: null },
  });

  const { status, stderr } = await router.mailctl('domain del example.org');
  expect(status).toBe(64);
  expect(stderr).toContain('still in use: mailbox bob@example.org');
  expect(stderr).toContain('hint: mailctl user del bob@example.org');

  await router.mailctl('user del bob@example.org');
  expect((await router.mailctl('domain del example.org')).status).toBe(0);
  expect((await router.mailctl('domain del example.org')).status).toBe(67);
  expect(router.rows('SELECT name FROM domain')).toEqual(['example.com']);
});

test.each(['probe.invalid', 'Backscatter.Invalid'])(
  '%s is reserved for the server: no mail domain, and no account in it',
  async (name) => {
    const commands = [
      `domain add ${name}`,
      `alias add all@${name} someone@outside.example`,
      `alias add all@example.com probe@${name}`,
      `alias add @${name} @example.com`,
      `user add someone@${name} --hash ${HASH}`,
    ];
    for (const command of commands) {
      const { status, stderr } = await router.mailctl(command);
      expect(status).toBe(64);
      expect(stderr).toContain(`${name.toLowerCase()} is reserved for the server's own use`);
    }
  },
);

test('a reserved domain that was written into vdomains by hand is reported with its line', async () => {
  await router.mailctl('domain add example.org');
  router.write('/srv/mailserver/config/vdomains', 'example.com\nexample.org\nprobe.invalid\n');

  const { status, stderr } = await router.mailctl('domain add example.net');

  expect(status).toBe(65);
  expect(stderr).toContain(
    'vdomains:3: "probe.invalid" is not a mail domain: probe.invalid is reserved',
  );
});

test.each(['../etc', 'a b.example', 'com', '-x.example', 'a.example\nb.example', "x'.example"])(
  'domain add %p is refused',
  async (name) => {
    const { status, stderr } = await router.mailctl(`domain add -- ${name}`);

    expect(status).toBe(64);
    expect(stderr).not.toContain('internal error');
    expect((await router.mailctl('domain list')).stdout).toBe('example.com\n');
  },
);

test('domain limit sets, shows and lifts limits, which user add and alias add keep', async () => {
  const set = await router.mailctl('domain limit example.com --mailboxes 1 --aliases 0 --quota 3G');
  expect(set.stdout).toBe(
    'domain:    example.com\nmailboxes: 0 of 1\naliases:   0 of 0\nquotas:    nothing of 3G\n',
  );
  expect(set.stderr).toContain('features.quota is 0');
  expect(router.accounts('vdomains')).toBe('example.com mailboxes=1 aliases=0 quota=3G\n');

  const large = await router.mailctl(`user add a@example.com --quota 4G --hash ${HASH}`);
  expect({ status: large.status, stderr: large.stderr }).toEqual({
    status: 64,
    stderr:
      'error: example.com may give its mailboxes 3G together, and this makes 4G\n' +
      'hint: mailctl domain limit example.com --quota 4G\n',
  });
  await router.mailctl(`user add a@example.com --quota 2G --hash ${HASH}`);
  expect((await router.mailctl('user quota a@example.com unlimited')).stderr).toContain(
    'this makes unlimited',
  );
  const second = await router.mailctl(`user add b@example.com --hash ${HASH}`);
  expect(second.stderr).toContain('hint: mailctl domain limit example.com --mailboxes 2');
  const alias = await router.mailctl('alias add b@example.com a@example.com');
  expect(alias.stderr).toContain('may have 0 aliases and has 0');

  const lowered = await router.mailctl('domain limit example.com --mailboxes 0 --json');
  expect(lowered.stderr).toContain('example.com has more mailboxes already; they stay');
  expect(JSON.parse(lowered.stdout)).toMatchObject({ mailboxes: 1, max_mailboxes: 0 });
  const lift = '--mailboxes unlimited --aliases unlimited --quota unlimited';
  await router.mailctl(`domain limit example.com ${lift}`);
  expect(router.accounts('vdomains')).toBe('example.com\n');
});

test.each([
  ['domain limit example.com', 64, 'no limit given'],
  ['domain limit example.com --mailboxes -1', 64, '"-1" is not a limit'],
  ['domain limit example.com --quota default', 64, '"default" is not a total'],
  ['domain limit example.org --aliases 1', 67, 'is not a mail domain here'],
  ['domain show example.org', 67, 'is not a mail domain here'],
])('%s is refused', async (line, expected, reason) => {
  const { status, stderr } = await router.mailctl(line);

  expect(status).toBe(expected);
  expect(stderr).toContain(reason);
});
