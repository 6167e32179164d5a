// The account pages on a real server: processes, users and sockets are real, and a password that is set on a page opens
// the mailbox. What web is not allowed to, the kernel or serve refuses.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = 'alice@example.test';
const NAME = 'mail.example.test';
const NEW = 'eleven green kettles';

let lab: Lab;
let box: Appliance;
let folder: string;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ web: { enabled: 1 } }, ['alice']);
  const { stdout } = await lab.router.run(['sh', '-c', 'ls -d /run/mailserver/*.web']);
  folder = stdout.trim();
  await waitFor('the pages', async () =>
    (await page('/account')).status === 200 ? true : undefined,
  );
}, 300_000);

afterAll(() => lab?.down());

interface Page {
  status: number;
  text: string;
  cookie: string | null;
}

/** One request to the socket of web, as a web server in front sends it. */
async function page(
  path: string,
  form: Record<string, string> = {},
  cookie = '',
  host = NAME,
): Promise<Page> {
  const fields = Object.entries(form).flatMap(([name, value]) => [
    '--data-urlencode',
    `${name}=${value}`,
  ]);
  const curl = [
    'curl',
    '-s',
    '-i',
    '--max-time',
    '20',
    '--unix-socket',
    `${folder}/front/web.sock`,
  ];
  const headers = ['X-Forwarded-For: 203.0.113.9', `Origin: https://${NAME}`, `Cookie: ${cookie}`];
  const { stdout } = await lab.router.run([
    ...curl,
    ...headers.flatMap((header) => ['-H', header]),
    ...fields,
    `http://${host}${path}`,
  ]);
  const head = stdout.slice(0, stdout.indexOf('\r\n\r\n'));
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0),
    text: stdout.slice(head.length + 4),
    cookie: /^set-cookie: ([^;]+)/im.exec(head)?.[1] ?? null,
  };
}

const both = (password: string) => ({ password, repeat: password });

async function imap(password: string): Promise<string> {
  const session = await lab.wan.imap({ port: 993, tls: true });
  const { status } = await session.login(ALICE, password);
  session.close();
  return status;
}

/** The process of web. */
async function webPid(): Promise<string> {
  return waitFor('the process of web', async () => {
    const { stdout } = await lab.router.run(['pgrep', '-u', 'mailserver-web']);
    return stdout.trim().split('\n')[0] || undefined;
  });
}

const as = (user: string, argv: string[]) =>
  lab.router.run([
    ...['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--'],
    ...argv,
  ]);

const asWeb = (script: string) => as('mailserver-web', ['sh', '-c', script]);

/** Connects `count` times to a socket below `folder`, sends a text on each, and prints what comes back, or why not. */
const CONNECT = `
const [path, text, count, wait] = process.argv.slice(1);
for (let n = 0; n < Number(count); n += 1) {
  const socket = require('node:net').connect(path, () => socket.write(text));
  socket.on('data', (piece) => process.stdout.write(piece));
  socket.on('error', (error) => console.log(error.code));
  setTimeout(() => socket.destroy(), Number(wait)).unref();
}`;

const connect = (
  user: string,
  socket: string,
  { text = '', count = 1, wait = 8000 }: { text?: string; count?: number; wait?: number },
) => as(user, ['node', '-e', CONNECT, `${folder}/${socket}`, text, String(count), String(wait)]);

/** Sends a line to serve as the user of web; returns what comes back. */
const askServe = async (line: string) =>
  (await connect('mailserver-web', 'desk/serve.sock', { text: `${line}\n` })).stdout;

test('a person opens the link, sets a password and reads mail with it', async () => {
  const { link } = await box.json<{ link: string }>(`user invite ${ALICE}`);
  const path = new URL(link).pathname;
  expect((await page(path)).text).toContain(ALICE);
  expect(await imap(PASSWORD)).toBe('OK');

  const ready = await page(path, both(NEW));

  expect([ready.status, ready.text.includes('993')]).toEqual([200, true]);
  expect([await imap(NEW), await imap(PASSWORD)]).toEqual(['OK', 'NO']);
  expect((await page(path)).status).toBe(404);
  const log = await box.does('logs 500 --daemon serve');
  expect(log).toContain(`${ALICE} has set a password by invitation (client 203.0.113.9)`);
  expect([log.includes(NEW), log.includes(path)]).toEqual([false, false]);
});

test('a password that is changed on the page opens the mailbox, and the former one does not', async () => {
  const { cookie } = await page('/account/sign-in', { address: ALICE, password: NEW });

  const changed = await page('/account/password', { old: NEW, ...both(PASSWORD) }, cookie ?? '');

  expect([changed.status, await imap(PASSWORD), await imap(NEW)]).toEqual([200, 'OK', 'NO']);
});

describe('an app password', () => {
  const make = async (name: string, only: string[] = []) => {
    const words = ['user', 'app-password', 'add', ALICE, name, ...only];
    return box.json<{ id: string; password: string }>(words);
  };
  /** IMAP, and submission with a message to the mailbox itself. */
  async function tries(password: string): Promise<[imap: string, submission: string]> {
    const account = { user: ALICE, password };
    const mail = { from: ALICE, to: ALICE, subject: 'app password', text: 'x' };
    const sent = await lab.wan.submit(account, mail).then(
      () => 'OK',
      (error: Error) => (error.message.includes('535') ? 'NO' : error.message),
    );
    return [await imap(password), sent];
  }

  test('opens what it may, and is told apart from a wrong one', async () => {
    const [all, read, send] = [
      await make('phone'),
      await make('backup', ['--only', 'read']),
      await make('scanner', ['--only', 'send']),
    ];

    expect(await tries(all.password)).toEqual(['OK', 'OK']);
    expect(await tries(read.password)).toEqual(['OK', 'NO']);
    expect(await tries(send.password)).toEqual(['NO', 'OK']);
    expect(await tries(PASSWORD)).toEqual(['OK', 'OK']);
    expect((await imap('a wrong one')) === 'NO').toBe(true);
    const log = await box.log();
    expect(log).toContain('This app password only reads mail');
    expect([all, read, send].filter(({ password }) => log.includes(password))).toEqual([]);
  });

  test('alone opens the mailbox where it is required; the pages keep the other password', async () => {
    const { password } = await make('laptop');
    await box.does(`user app-password require ${ALICE} on`);

    expect(await tries(PASSWORD)).toEqual(['NO', 'NO']);
    expect(await tries(password)).toEqual(['OK', 'OK']);
    expect((await page('/account/sign-in', { address: ALICE, password: PASSWORD })).status).toBe(
      303,
    );
    expect((await page('/account/sign-in', { address: ALICE, password })).status).toBe(401);
    await box.does(`user app-password require ${ALICE} off`);
    expect(await tries(PASSWORD)).toEqual(['OK', 'OK']);
  });

  test('says when and from where it was used, and ends when it is revoked on the page', async () => {
    const { id, password } = await make('tablet');
    const session = await lab.wan.imap({ port: 993, tls: true, from: '203.0.113.77' });
    expect((await session.login(ALICE, password)).status).toBe('OK');
    interface Listed {
      app_passwords: { id: string; last_use: { from: string; protocol: string } | null }[];
    }
    const { app_passwords } = await box.json<Listed>(`user app-password list ${ALICE}`);
    const used = app_passwords.find((one) => one.id === id)?.last_use;
    expect(used).toMatchObject({ from: '203.0.113.77', protocol: 'imap' });

    const { cookie } = await page('/account/sign-in', { address: ALICE, password: PASSWORD });
    const account = await page('/account', {}, cookie ?? '');
    expect(account.text).toContain('203.0.113.77 (IMAP)');
    await page('/account/app-passwords/revoke', { id }, cookie ?? '');

    // the open connection is closed, not only the next login refused
    expect(
      await session.command('NOOP').then(
        ({ status }) => status,
        () => 'closed',
      ),
    ).not.toBe('OK');
    expect(await imap(password)).toBe('NO');
  });

  test('is a field of a passwd-file that another Dovecot reads', async () => {
    await make('another server');
    const users = await Bun.file(`${box.data}/config/users`).text();
    expect(users).toContain('app_password=');
    const own = ['sh', '-c', `mkdir -p /run/other && cat >/run/other/users`];
    await box.inside(own, { stdin: users });
    await box.inside(['sh', '-c', 'cat >/run/other/dovecot.conf'], { stdin: OTHER_DOVECOT });
    const start = 'dovecot -c /run/other/dovecot.conf >/run/other/said 2>&1 </dev/null';
    const test = `doveadm -c /run/other/dovecot.conf auth test -a /run/other/base/auth-client ${ALICE}`;
    const check = async (password: string) => {
      const { stdout, stderr } = await box.inside(['sh', '-c', `${test} '${password}' 2>&1`]);
      return stdout + stderr;
    };

    expect(await box.inside(['sh', '-c', start])).toMatchObject({ status: 0 });
    expect(await check(PASSWORD)).toContain('auth succeeded');
    expect(await check('a wrong one')).toContain('auth failed');
    await box.inside(['doveadm', '-c', '/run/other/dovecot.conf', 'stop']);
  });
});

/** Another server's: only a passwd-file. */
const OTHER_DOVECOT = `
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = /run/other/base
state_dir = /run/other/state
log_path = /dev/null
protocols {
}
ssl = no
auth_allow_cleartext = yes
auth_allow_weak_schemes = yes
mail_driver = maildir
mail_path = /tmp/none
passdb passwd-file {
  passwd_file_path = /run/other/users
}
userdb static {
  fields {
    uid = 5000
    gid = 5000
    home = /tmp
  }
}
`;

describe('a mail program that knows only address and password', () => {
  const PROGRAMS = {
    thunderbird: `autoconfig.example.test/mail/config-v1.1.xml?emailaddress=${ALICE}`,
    outlook: `autodiscover.example.test/autodiscover/autodiscover.xml?Email=${ALICE}`,
    apple: `${NAME}/profile?address=${ALICE}`,
  };
  /** The ports with TLS, by protocol, as each format has them. */
  const READ: Record<keyof typeof PROGRAMS, RegExp> = {
    thunderbird:
      /type="(?<protocol>imap|smtp)">\s*<hostname>(?<host>[^<]+)<\/hostname>\s*<port>(?<port>\d+)<\/port>\s*<socketType>SSL/g,
    outlook:
      /<Type>(?<protocol>IMAP|SMTP)<\/Type>\s*<Server>(?<host>[^<]+)<\/Server>\s*<Port>(?<port>\d+)<\/Port>(?:(?!<\/Protocol>)[\s\S])*?<SSL>on/g,
    apple:
      /<key>(?<protocol>Incoming|Outgoing)MailServerHostName<\/key><string>(?<host>[^<]+)<\/string><key>\w+PortNumber<\/key><integer>(?<port>\d+)/g,
  };

  test.each(Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[])(
    'finds the servers as %s does, and they let it in',
    async (program) => {
      const { status, text } = await page('', {}, '', PROGRAMS[program]);
      expect(status).toBe(200);
      const found = [...text.matchAll(READ[program])].map(({ groups }) => groups ?? {});
      expect(found.map(({ host }) => host)).toEqual([NAME, NAME]);
      const ports = Object.fromEntries(
        found.map(({ protocol = '', port }) => [
          /^i/i.test(protocol) ? 'imap' : 'smtp',
          Number(port),
        ]),
      ) as { imap: number; smtp: number };

      const session = await lab.wan.imap({ port: ports.imap, tls: true });
      expect((await session.login(ALICE, PASSWORD)).status).toBe('OK');
      session.close();
      const mail = { from: ALICE, to: ALICE, subject: program, text: 'x' };
      const account = { user: ALICE, password: PASSWORD };
      expect(await lab.wan.submit(account, mail, { port: ports.smtp })).toContain('250');
    },
  );
});

describe('the process without rights', () => {
  test('has its own user, no group, no capability, and no file of the server', async () => {
    const pid = await webPid();
    const { stdout } = await lab.router.run(['cat', `/proc/${pid}/status`]);

    expect(stdout).toMatch(/^CapEff:\s+0{16}$/m);
    expect(stdout).toMatch(/^CapPrm:\s+0{16}$/m);
    expect(stdout).toMatch(/^Groups:\s*$/m);
    expect(stdout).not.toMatch(/^Uid:.*\b0\b/m);
    const files = ['config/users', 'ssl/current/privkey.pem', 'directory/directory.db', 'mail'];
    for (const file of files) {
      const { status } = await asWeb(`ls ${box.data}/${file}/. || cat ${box.data}/${file}`);
      expect([file, status]).not.toEqual([file, 0]);
    }
    expect((await asWeb(`cat ${box.config}`)).status).not.toBe(0);
    expect((await asWeb(`touch ${folder}/desk/other.sock`)).status).not.toBe(0);
  });

  test('gets nothing that is not on the list, in whatever form it asks', async () => {
    const before = await Bun.file(`${box.data}/config/users`).text();
    const malformed = '{"ok":false,"refusal":"malformed"}\n';
    for (const line of ['{"ask":"users"}', '{"ask":"server","path":"/etc/shadow"}', '{', '']) {
      expect(await askServe(line)).toBe(malformed);
    }
    const session = 'A'.repeat(43);
    const other = `{"ask":"account","session":"${session}","from":"203.0.113.9"}`;
    expect(await askServe(other)).toBe('{"ok":false,"refusal":"session"}\n');
    expect(await askServe('x'.repeat(100_000))).toMatch(/^(?:EPIPE|ECONNRESET)?\s*$/);
    expect(await askServe('{"ask":"server"}')).toContain(NAME);

    expect(await Bun.file(`${box.data}/config/users`).text()).toBe(before);
    expect(before).toContain(ALICE);
    expect((await page('/account')).status).toBe(200);
  });

  test('is the only one that can ask: another user of the host cannot', async () => {
    for (const socket of ['desk/serve.sock', 'front/web.sock']) {
      const { stdout } = await connect('65534', socket, { text: '{"ask":"server"}\n' });
      expect([socket, stdout]).toEqual([socket, 'EACCES\n']);
    }
  });

  test('cannot keep others waiting with hundreds of silent connections', async () => {
    const silent = { text: '{', count: 300, wait: 10_000 };
    const holding = connect('mailserver-web', 'desk/serve.sock', silent);
    // while they are open, web may get no place; serve drops them after five seconds
    expect((await box.json<{ state: string }>('status')).state).toBe('running');
    await waitFor('the account page', async () =>
      (await page('/account')).status === 200 ? true : undefined,
    );
    expect(await imap(PASSWORD)).toBe('OK');
    await holding;
  }, 60_000);
});

describe('a killed process', () => {
  const pagesAre = (status: number) =>
    waitFor(`pages with ${status}`, async () =>
      (await page('/account')).status === status ? true : undefined,
    );

  test('web is started again, and serve goes on', async () => {
    const pid = await webPid();
    await lab.router.run(['kill', '-9', pid]);

    await pagesAre(200);
    expect(await webPid()).not.toBe(pid);
  });

  test('serve: the pages say so until it is back, and people stay signed in', async () => {
    const signedIn = await page('/account/sign-in', { address: ALICE, password: PASSWORD });
    const cookie = signedIn.cookie ?? '';
    await box.endServe();

    await waitFor('pages that say so', async () =>
      (await page('/account', {}, cookie)).status === 503 ? true : undefined,
    );
    expect(await imap(PASSWORD)).toBe('OK');

    await box.does('start');
    await waitFor('the account of the session', async () =>
      (await page('/account', {}, cookie)).text.includes('Sign out everywhere') ? true : undefined,
    );
    await waitFor('the end of the former process', async () => {
      const { stdout } = await lab.router.run(['pgrep', '-u', 'mailserver-web']);
      return stdout.trim().split('\n').length === 1 ? true : undefined;
    });
  }, 60_000);
});

test('web.enabled 0 ends the process and its sockets', async () => {
  await box.configure({ web: { enabled: 0 } });
  await waitFor('the end of web', async () => {
    const { status } = await lab.router.run(['pgrep', '-u', 'mailserver-web']);
    return status === 0 ? undefined : true;
  });
  expect((await lab.router.run(['test', '-S', `${folder}/desk/serve.sock`])).status).toBe(1);
});
