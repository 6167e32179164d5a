import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRouter, HASH, type Router } from './router.ts';

let router: Router;
beforeEach(() => {
  router = createRouter();
});
afterEach(() => router.remove());

/** The fields of a mailbox that sends and receives and has no display name. */
const PLAIN = { direction: 'both', name: null };

const add = (address: string) => router.mailctl(`user add ${address} --hash ${HASH}`);

test('user add creates a mailbox whose password Dovecot can check', async () => {
  const { status, stdout } = await router.mailctl('user add Alice@Example.com --password-stdin', {
    stdin: 'correct horse\n',
  });

  expect({ status, stdout }).toEqual({ status: 0, stdout: 'created alice@example.com\n' });
  expect(router.accounts('vmailbox')).toBe('alice@example.com example.com/alice/\n');
  const [, hash = ''] =
    /^alice@example\.com:\{ARGON2ID\}(\S+?)::::::\n$/.exec(router.accounts('users')) ?? [];
  expect(await Bun.password.verify('correct horse', hash)).toBe(true);
  expect(router.rows('SELECT address, domain, local, login, quota_bytes FROM mailbox')).toEqual([
    'alice@example.com example.com alice 1 ',
  ]);
});

test('user add refuses a taken address and names the command to use instead', async () => {
  await add('alice@example.com');

  const { status, stderr } = await router.mailctl('user add alice@example.com --password-stdin', {
    stdin: 'other',
  });

  expect(status).toBe(64);
  expect(stderr).toContain('hint: mailctl user passwd alice@example.com');
});

test('user add in an unknown domain names the command that adds the domain', async () => {
  const { status, stderr } = await add('alice@example.org');

  expect(status).toBe(67);
  expect(stderr).toContain('hint: mailctl domain add example.org');
});

test.each([
  'user add alice@example.com hunter2hunter2',
  'user add alice@example.com --password hunter2hunter2',
  'user add alice@example.com --password=hunter2hunter2',
  'user add alice@example.com -p hunter2hunter2',
  'user add alice@example.com -phunter2hunter2',
  'user passwd alice@example.com hunter2hunter2',
])('%s is refused without repeating the secret', async (line) => {
  const { status, stdout, stderr } = await router.mailctl(line);

  expect(status).toBe(64);
  expect(stderr).toContain('a password as an argument would be visible to other users');
  expect(stdout + stderr).not.toContain('hunter2');
});

test('without a terminal there is no prompt, and the options are named', async () => {
  const { status, stderr } = await router.mailctl('user add alice@example.com', {
    stdin: 'secret-99',
  });

  expect(status).toBe(64);
  expect(stderr).toContain('--password-stdin, --password-file, --generate, --hash');
});

test.each([
  ['short', 'shorter than 8 characters'],
  ['', 'is empty'],
  ['two\nlines of it', 'a line break'],
  ['Qwertyuiop', 'in the list of common passwords'],
  [new Uint8Array([0xff, 0xfe, 97, 98, 99, 100, 101, 102, 103]), 'not valid UTF-8'],
])('the password %p on standard input is refused', async (stdin, reason) => {
  const { status, stderr } = await router.mailctl('user add a@example.com --password-stdin', {
    stdin,
  });

  expect(status).toBe(64);
  expect(stderr).toContain(reason);
  expect(existsSync(join(router.root, 'srv/mailserver/config/users'))).toBe(false);
});

test('a password may come from a file', async () => {
  router.write('/pw', 'correct horse\n', 0o600);

  expect((await router.mailctl('user add a@example.com --password-file /pw')).status).toBe(0);
  const none = await router.mailctl('user add b@example.com --password-file /nowhere');
  expect({ status: none.status, told: none.stderr.includes('no such file: /nowhere') }).toEqual({
    status: 64,
    told: true,
  });
});

test('a generated password is printed once and not stored', async () => {
  const { stdout } = await router.mailctl('user add a@example.com --generate --json');
  const { password, ...rest } = JSON.parse(stdout);

  expect(rest).toEqual({
    ...{ v: 1, address: 'a@example.com', active: true, quota_bytes: null },
    ...PLAIN,
  });
  expect(password).toMatch(/^\w{5}(-\w{5}){3}$/);
  expect(router.accounts('users')).not.toContain(password);
});

test.each([
  '../../etc@example.com',
  'a/b@example.com',
  'a:{PLAIN}x@example.com',
  'a,b@example.com',
  '#a@example.com',
  'a%u@example.com',
  "a'b@example.com",
  '$(id)@example.com',
  'a@example.com/../x',
  'a@-x.example',
  'a',
])('the hostile name %p reaches no file', async (address) => {
  const { status, stderr } = await add(address);

  expect(status).toBe(64);
  expect(stderr).toContain('is not a mail address');
  expect(existsSync(join(router.root, 'srv/mailserver/config/users'))).toBe(false);
});

test('user list prints one address a line, and the documented object with --json', async () => {
  await add('alice@example.com');
  await add('bob@example.com');
  await router.mailctl('user quota bob@example.com 2G');
  await router.mailctl('user suspend bob@example.com');

  expect((await router.mailctl('user list')).stdout).toBe('alice@example.com\nbob@example.com\n');
  expect(JSON.parse((await router.mailctl('user list --json')).stdout)).toEqual({
    v: 1,
    mailboxes: [
      { address: 'alice@example.com', active: true, quota_bytes: null, ...PLAIN },
      { address: 'bob@example.com', active: false, quota_bytes: 2 ** 31, ...PLAIN },
    ],
  });
  expect(router.accounts('users').split('\n')[1]).toEndWith(
    '::::::userdb_quota_storage_size=2G nologin',
  );
  expect(router.rows('SELECT login, quota_bytes FROM mailbox ORDER BY address')).toEqual([
    '1 ',
    `0 ${2 ** 31}`,
  ]);
  await router.mailctl('user resume bob@example.com');
  expect(router.rows("SELECT login FROM mailbox WHERE local = 'bob'")).toEqual(['1']);
});

function deliver(address: string, file: string, text: string): string {
  const [local = '', domain = ''] = address.split('@');
  const folder = join(router.root, 'srv/mailserver/mail', domain, local);
  const path = join(folder, file);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return folder;
}

test('user list --sizes counts messages and does not follow links', async () => {
  await add('alice@example.com');
  const folder = deliver('alice@example.com', 'new/1.M1.host,S=1000,W=1020', 'x');
  deliver('alice@example.com', '.Sent/cur/2.M2.host:2,S', '12345');
  deliver('alice@example.com', 'dovecot.index', 'x'.repeat(5000));
  symlinkSync('/usr', join(folder, 'cur'));
  symlinkSync('/usr', join(folder, '.Elsewhere'));

  const { stdout } = await router.mailctl('user list --sizes --json');

  expect(JSON.parse(stdout).mailboxes).toEqual([
    {
      address: 'alice@example.com',
      active: true,
      quota_bytes: null,
      ...PLAIN,
      used_bytes: 1005,
      messages: 2,
    },
  ]);
  expect(
    JSON.parse((await router.mailctl('user show alice@example.com --json')).stdout),
  ).toMatchObject({
    used_bytes: 1005,
    messages: 2,
    scheme: 'SHA512-CRYPT',
    sends_as: ['alice@example.com'],
  });
});

test.each(['cur', 'new', 'tmp'])(
  'the mailbox %s@ is counted like any other, although a Maildir has a folder of that name',
  async (name) => {
    const address = `${name}@example.com`;
    await add(address);
    deliver(address, 'new/1.M1.host,S=1000,W=1020', 'x');
    deliver(address, 'cur/2.M2.host:2,S', '12345');
    deliver(address, 'tmp/3.M3.host', 'unfinished');
    deliver(address, '.Sent/cur/4.M4.host,S=7', 'x');
    deliver(address, 'dovecot-uidlist', 'x'.repeat(5000));

    const shown = JSON.parse((await router.mailctl(`user show ${address} --json`)).stdout);

    expect(shown).toMatchObject({ used_bytes: 1012, messages: 3 });
    expect((await router.mailctl('user list --sizes')).stdout).toBe(`${address}\t1012\t3\n`);
  },
);

test('user del keeps the mail and names its folder; user add of the address restores it', async () => {
  await add('alice@example.com');
  const folder = deliver('alice@example.com', 'new/1', 'hello');

  const { status, stderr } = await router.mailctl('user del alice@example.com');

  expect(status).toBe(0);
  expect(stderr).toContain('the mail is kept in /srv/mailserver/mail/example.com/alice/');
  expect(existsSync(join(folder, 'new/1'))).toBe(true);
  expect(router.rows('SELECT * FROM mailbox')).toEqual([]);
  expect((await add('alice@example.com')).stderr).toContain('readable again');
});

test('user del --purge asks first, then removes mail and scripts, but no target of a link', async () => {
  await add('alice@example.com');
  const folder = deliver('alice@example.com', 'new/1', 'hello');
  const outside = router.write('/outside/precious', 'x');
  const script = '/srv/mailserver/state/sieve/example.com/alice/sieve/rules.sieve';
  router.write(script, 'keep;');
  symlinkSync(join(router.root, 'outside'), join(folder, 'link'));
  mkdirSync(join(folder, Buffer.from([0xff, 0xfe]).toString('latin1')));

  const asked = await router.mailctl('user del alice@example.com --purge');
  expect(asked.status).toBe(64);
  expect(asked.stderr).toContain('1 messages');
  expect(router.accounts('vmailbox')).toContain('alice');

  expect((await router.mailctl('user del alice@example.com --purge --yes')).status).toBe(0);
  expect(existsSync(folder)).toBe(false);
  expect(existsSync(join(router.root, script))).toBe(false);
  expect(readFileSync(outside, 'utf8')).toBe('x');
});

test('a mail folder that is a link is neither walked nor purged', async () => {
  await add('alice@example.com');
  const precious = router.write('/outside/alice/new/precious', 'x');
  mkdirSync(join(router.root, 'srv/mailserver/mail'), { recursive: true });
  symlinkSync(join(router.root, 'outside'), join(router.root, 'srv/mailserver/mail/example.com'));

  expect((await router.mailctl('user list --sizes')).stdout).toBe('alice@example.com\t0\t0\n');
  expect((await router.mailctl('user del alice@example.com --purge --yes')).status).toBe(0);
  expect(existsSync(precious)).toBe(true);
});

test('user del and suspend end the open sessions of a running container', async () => {
  const log = join(router.root, 'attached');
  router.write('/srv/lxc/router-of-tests/config', '');
  router.write('/bin/lxc-info', '#!/bin/sh\necho 4242\n', 0o755);
  router.write(
    '/bin/lxc-attach',
    `#!/bin/sh\necho "$@" >>${log}\ncase "$*" in *kick*) exit 68;; esac\n`,
    0o755,
  );
  await add('alice@example.com');

  expect((await router.mailctl('user suspend alice@example.com')).status).toBe(0);
  expect((await router.mailctl('user del alice@example.com')).status).toBe(0);

  const commands = readFileSync(log, 'utf8').trim().split('\n');
  expect(commands.map((line) => line.slice(line.indexOf('doveadm')))).toEqual([
    'doveadm auth cache flush alice@example.com',
    'doveadm kick alice@example.com',
    'doveadm auth cache flush alice@example.com',
    'doveadm kick alice@example.com',
  ]);
});

test.each(['del', 'passwd --generate', 'show', 'quota', 'suspend', 'resume'])(
  'user %s of a mailbox that is not there ends with 67',
  async (words) => {
    const [word, ...flags] = words.split(' ');
    const line = ['user', word, 'nobody@example.com', ...flags].join(' ');
    const { status, stderr } = await router.mailctl(line);

    expect({ status, said: stderr.split('\n')[0] }).toEqual({
      status: 67,
      said: 'error: there is no mailbox nobody@example.com',
    });
  },
);

test('a dry run changes nothing and prints what it would write', async () => {
  await add('alice@example.com');
  const before = router.accounts('users');

  const { status, stdout } = await router.mailctl(
    `user add bob@example.com --hash ${HASH} --dry-run`,
  );

  expect(status).toBe(0);
  expect(stdout).toContain('would write /srv/mailserver/config/users');
  expect(stdout).toContain('would update /srv/mailserver/directory/directory.db');
  expect(router.accounts('users')).toBe(before);
  expect(router.rows('SELECT local FROM mailbox')).toEqual(['alice']);
});

test('50 concurrent user add make 50 mailboxes, in the files and in the database', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `user${index}@example.com`);

  const answers = await Promise.all(names.map(add));

  expect(answers.filter(({ status }) => status !== 0)).toEqual([]);
  expect(router.rows('SELECT address FROM mailbox').sort()).toEqual([...names].sort());
  expect((await router.mailctl('user list')).stdout.trim().split('\n').sort()).toEqual(
    [...names].sort(),
  );
}, 60_000);

test('the next change reads files edited by hand, and fails on invalid lines', async () => {
  await add('alice@example.com');
  const data = '/srv/mailserver/config';
  router.write(`${data}/valias`, '# by hand\nSales@example.com alice@example.com\n');

  await add('bob@example.com');
  expect(router.rows("SELECT target FROM alias WHERE address = 'sales@example.com'")).toEqual([
    'alice@example.com',
  ]);

  router.write(`${data}/valias`, '# by hand\nSales@example.com\n');
  const { status, stderr } = await add('carol@example.com');
  expect(status).toBe(65);
  expect(stderr).toContain(`${data}/valias:2: the alias sales@example.com has no target`);
  expect(router.accounts('valias')).toBe('# by hand\nSales@example.com\n');

  const list = await router.mailctl('user list');
  expect(list).toMatchObject({ status: 1, stdout: 'alice@example.com\nbob@example.com\n' });
  expect(list.stderr).toContain(`${data}/valias:2:`);
});

test('only root, Dovecot and Postfix can read hashes', async () => {
  await add('alice@example.com');
  const mode = (path: string) => statSync(join(router.root, 'srv/mailserver', path)).mode & 0o777;

  expect([mode('config'), mode('config/users'), mode('directory/directory.db')]).toEqual([
    0o700, 0o600, 0o440,
  ]);
});

test.each([
  ['user create alice@example.com', "unknown command 'create'\n(Did you mean mailctl user add?)"],
  ['alias remove a@example.com', "unknown command 'remove'\n(Did you mean mailctl alias del?)"],
  ['mailbox add a@example.com', "unknown command 'mailbox'\n(Did you mean mailctl user?)"],
  ['xyzzy', "unknown command 'xyzzy'\n(mailctl --help"],
])('%s ends with 64 and the command that was meant', async (line, told) => {
  const { status, stdout, stderr } = await router.mailctl(line);

  expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
  expect(stderr).toStartWith(`error: ${told}`);
});

test('with --json the error object has the command that was meant', async () => {
  const { stderr } = await router.mailctl('user create alice@example.com --json');

  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'USAGE',
    message: "unknown command 'create' (Did you mean mailctl user add?)",
  });
});

test('user add --send-only and user direction say what a mailbox may do', async () => {
  const added = await router.mailctl(`user add a@example.com --send-only --hash ${HASH} --json`);
  expect(JSON.parse(added.stdout)).toMatchObject({ direction: 'send-only' });
  expect(router.accounts('users')).toEndWith('::::::direction=send-only\n');
  expect(router.rows('SELECT * FROM one_way')).toEqual(['a@example.com send-only']);

  expect((await router.mailctl('user direction a@example.com')).stdout).toBe(
    'a@example.com send-only\n',
  );
  const alias = await router.mailctl('alias add sales@example.com a@example.com');
  expect(alias.status).toBe(64);
  expect(alias.stderr).toContain('hint: mailctl user direction a@example.com both');

  await router.mailctl('user direction a@example.com receive-only');
  const shown = JSON.parse((await router.mailctl('user show a@example.com --json')).stdout);
  expect(shown).toMatchObject({ direction: 'receive-only', sends_as: [] });
  await router.mailctl('user direction a@example.com both');
  expect(router.accounts('users')).toEndWith('::::::\n');
  expect(router.rows('SELECT * FROM one_way')).toEqual([]);
});

test.each([
  ['user add a@example.com --generate --send-only --receive-only', 'exclude each other'],
  ['user direction postmaster@example.com send-only', 'must receive mail'],
  ['user direction postmaster@example.com out', '"out" is not a direction'],
])('%s is refused', async (line, reason) => {
  await add('postmaster@example.com');

  const { status, stderr } = await router.mailctl(line);

  expect(status).toBe(64);
  expect(stderr).toContain(reason);
});

test('a display name is stored in gecos, shown, changed and removed', async () => {
  const add = [
    'user',
    'add',
    'a@example.com',
    '--generate',
    '--name',
    '  Zoë "Z" Example ',
    '--json',
  ];
  expect(JSON.parse((await router.mailctl(add)).stdout).name).toBe('Zoë "Z" Example');
  expect(router.accounts('users')).toContain(':::Zoë "Z" Example:::');
  expect((await router.mailctl('user show a@example.com')).stdout).toContain('Zoë "Z" Example');

  const set = await router.mailctl(['user', 'name', 'a@example.com', 'Zoë Other']);
  expect(set.stdout).toBe('a@example.com Zoë Other\n');
  await router.mailctl(['user', 'name', 'a@example.com', '']);
  expect(router.accounts('users')).toEndWith('::::::\n');
});

test.each(['a\nb', 'a\u0007b', 'a:b', 'a\u202eb', 'a\u2028a', 'x'.repeat(101)])(
  'the display name %p is refused',
  async (name) => {
    await add('a@example.com');
    const before = router.accounts('users');

    const { status, stderr } = await router.mailctl(['user', 'name', 'a@example.com', name]);

    expect(status).toBe(64);
    expect(stderr).toContain('is not a display name');
    expect(router.accounts('users')).toBe(before);
  },
);

test('user invite needs the account pages, and makes a mailbox that no password opens yet', async () => {
  const off = await router.mailctl('user invite carol@example.com');
  expect([off.status, off.stderr.includes('hint: mailctl set web.enabled 1')]).toEqual([69, true]);

  await router.mailctl('set web.enabled 1');
  const { status, stdout, stderr } = await router.mailctl('user invite carol@example.com');

  expect(status).toBe(0);
  expect(stdout).toMatch(/^https:\/\/mail\.example\.com\/invite\/[\w-]{43}\n$/);
  expect(stderr).toContain('created carol@example.com');
  expect(router.accounts('users')).toMatch(/^carol@example\.com:\{ARGON2ID\}/);
  await router.mailctl('user suspend carol@example.com');
  expect((await router.mailctl('user invite carol@example.com')).stderr).toContain(
    'hint: mailctl user resume carol@example.com',
  );
});

test('user app-password makes, lists, requires and deletes app passwords', async () => {
  await add('alice@example.com');
  const word = (line: string) => router.mailctl(`user app-password ${line}`);

  const made = await word('add alice@example.com phone --only read');
  expect(made.stdout).toMatch(
    /^new app password of alice@example\.com: phone\npassword: [a-z2-9-]{23}\n$/,
  );
  expect((await word('add alice@example.com phone')).status).toBe(64);
  expect((await word('add alice@example.com laptop --only write')).status).toBe(64);
  expect((await word('list alice@example.com')).stdout).toMatch(
    /^[0-9a-f]{16} {2}read {2}phone {2}never used\n$/,
  );
  await word('require alice@example.com on');
  expect(router.rows('SELECT address FROM app_passwords_only')).toEqual(['alice@example.com']);
  expect((await word('del alice@example.com phone')).status).toBe(0);
  expect(router.rows('SELECT count(*) FROM app_password')).toEqual(['0']);
  expect((await word('del alice@example.com phone')).status).toBe(67);
});
