// Webmail in its own container: installed beside a running mail server, it reads and sends mail over HTTPS with a checked
// certificate; strangers get no further than its login page.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ensureImage } from '../../scripts/image.ts';
import { listFolder, logIn, request, send, type WebmailPlace } from './clients/webmail.ts';
import type { Appliance } from './lab/appliance.ts';
import { makeCertificate } from './lab/certificate.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK, PREFIX, RUN_DIRECTORY } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';
import { type HandMade, startRoundcube } from './lab/roundcube.ts';

const WEB = `${PREFIX}web`;

let lab: Lab;
let box: Appliance;
let image: string;

/** A browser on the internet. */
const visitor = (name: string, cookies = 'visitor'): WebmailPlace => ({
  run: (argv) => lab.wan.run(argv),
  name,
  address: NETWORK.router.wan,
  trusted: join(box.data, 'ssl/fullchain.pem'),
  cookies: join(RUN_DIRECTORY, `${cookies}.cookies`),
});

const inWeb = (argv: string[]) =>
  lab.router.run(['lxc-attach', '-P', join(box.data, '../lxc'), '-n', WEB, '--', ...argv]);

beforeAll(async () => {
  image = await ensureImage('web');
  lab = await startLab();
  box = await lab.appliance({ webmail: { container: WEB } }, ['alice', 'bob']);
  await box.does(['webmail', 'install', '--image', image]);
}, 300_000);

afterAll(() => lab.down());

test('a person logs in over HTTPS with a checked certificate, reads a message and sends one', async () => {
  const note = { from: 'bob@example.test', to: 'alice@example.test', subject: 'for alice' };
  await lab.lan.submit({ user: 'bob@example.test', password: PASSWORD }, { ...note, text: 'x' });
  const place = visitor('webmail.example.test');

  const answer = await logIn(place, 'alice@example.test', PASSWORD);
  expect(answer.status).toBe(302);
  const sent = await send(place, { to: 'bob@example.test', subject: 'from webmail', text: 'hi' });

  expect(sent).toContain('sent_successfully');
  const bob = await lab.lan.mailbox({ user: 'bob@example.test', password: PASSWORD });
  await waitFor('the message in the mailbox of bob', async () => {
    await bob.ok('SELECT INBOX');
    const { untagged } = await bob.ok('SEARCH SUBJECT "from webmail"');
    return untagged.some((line) => /^SEARCH \d/.test(line)) ? true : undefined;
  });
  bob.close();
  expect(await listFolder(place, 'Sent')).toContain('from webmail');
  await waitFor('the message of bob in webmail', async () =>
    (await listFolder(place, 'INBOX')).includes('for alice') ? true : undefined,
  );
});

test('strangers get no further than the login page', async () => {
  const place = visitor('webmail.example.test', 'stranger');

  const paths = [
    '/config/config.inc.php',
    '/SQL/sqlite.initial.sql',
    '/program/lib/Roundcube/bootstrap.php',
  ];
  for (const path of paths) {
    const { status, body } = await request(place, path);
    expect({ path, status: status >= 400, body: body.includes('<?php') }).toEqual({
      ...{ path, status: true, body: false },
    });
  }
  const page = await request(place, '/');
  expect(page.headers.get('strict-transport-security')).toBe('max-age=31536000');
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'self'");
  expect(page.headers.get('server')).toBe('nginx');
  expect(page.headers.has('x-powered-by')).toBe(false);
  expect((await request(place, '/program/js/app.min.js')).status).toBe(200);
});

test('plain HTTP is redirected, another Host header is refused, and old TLS too', async () => {
  const http = ['curl', '-sS', '-i', '--max-time', '10', `http://${NETWORK.router.wan}/x?y=1`];
  const redirected = await lab.wan.run([...http, '-H', 'Host: webmail.example.test']);
  const foreign = await lab.wan.run([...http, '-H', 'Host: evil.example.org']);
  const old = await lab.wan.run(
    ['openssl', 's_client', '-connect', `${NETWORK.router.wan}:443`, '-tls1_1', '-brief'],
    { stdin: '' },
  );

  expect(redirected.stdout).toContain('Location: https://webmail.example.test/x?y=1');
  expect(foreign.stdout).toStartWith('HTTP/1.1 421');
  expect(foreign.stdout).not.toContain('evil');
  expect(old.status).not.toBe(0);
});

test('guessed passwords are counted by address, and the address is banned', async () => {
  const guesser = { ...visitor('webmail.example.test', 'guesser'), from: '203.0.113.77' };
  const from: WebmailPlace = {
    ...guesser,
    run: ([program = '', ...words]) =>
      lab.wan.run([program, '--interface', guesser.from, ...words]),
  };
  for (let guess = 0; guess < 5; guess += 1) {
    expect((await logIn(from, 'alice@example.test', `wrong ${guess}`)).status).toBe(401);
  }
  await waitFor('the ban', () =>
    request(from, '/').then(
      () => undefined,
      () => true,
    ),
  );
  expect((await inWeb(['fail2ban-client', 'banned'])).stdout).toContain(guesser.from);
  expect((await request(visitor('webmail.example.test', 'innocent'), '/')).status).toBe(200);
}, 120_000);

describe('the account pages behind the same server', () => {
  const browser = (name: string, cookies: string): WebmailPlace => ({
    ...visitor(name, cookies),
    headers: [`Origin: https://${name}`],
  });

  test('lead from an invitation to a mailbox, and programs to their settings', async () => {
    const { link } = await box.json<{ link: string }>('user invite carol@example.test');
    const place = browser('mail.example.test', 'carol');
    const path = new URL(link).pathname;
    const form = await request(place, path);
    expect([form.status, form.body.includes('carol@example.test')]).toEqual([200, true]);
    expect(form.headers.get('content-security-policy')).toContain("default-src 'none'");

    const password = 'eleven green kettles';
    expect((await request(place, path, { password, repeat: password })).status).toBe(200);

    const webmail = visitor('webmail.example.test', 'carol-webmail');
    expect((await logIn(webmail, 'carol@example.test', password)).status).toBe(302);
    const signIn = { address: 'carol@example.test', password };
    expect((await request(place, '/account/sign-in', signIn)).status).toBe(303);
    expect((await request(place, '/account')).body).toContain('Sign out everywhere');
    const settings = await request(
      visitor('autoconfig.example.test', 'program'),
      '/mail/config-v1.1.xml?emailaddress=carol@example.test',
    );
    expect(settings.body).toContain('<hostname>mail.example.test</hostname>');
  });

  test('count wrong passwords as webmail does: the address is banned', async () => {
    const address = '203.0.113.78';
    const from: WebmailPlace = {
      ...browser('mail.example.test', 'account-guesser'),
      run: ([program = '', ...words]) => lab.wan.run([program, '--interface', address, ...words]),
    };
    for (let guess = 0; guess < 5; guess += 1) {
      const form = { address: 'alice@example.test', password: `wrong ${guess}` };
      expect((await request(from, '/account/sign-in', form)).status).toBe(401);
    }
    await waitFor('the ban', () =>
      request(from, '/account').then(
        () => undefined,
        () => true,
      ),
    );
    expect((await inWeb(['fail2ban-client', 'banned'])).stdout).toContain(address);
  }, 120_000);
});

test('root of the web container reaches the mail ports of the server and nothing else', async () => {
  const reach = (to: string, port: number) => {
    const php = `exit(@stream_socket_client("tcp://${to}:${port}", $e, $m, 2) ? 0 : 1);`;
    return inWeb(['php8.4', '-n', '-r', php]);
  };

  expect((await reach(box.address, 993)).status).toBe(0);
  const closed = [
    [box.address, 25],
    [NETWORK.router.lan, 22],
    ['10.82.25.1', 22],
    [NETWORK.mx, 25],
    [NETWORK.dns, 53],
  ] as const;
  const tried = await Promise.all(
    closed.map(async ([to, port]) => `${to}:${port} ${(await reach(to, port)).status}`),
  );
  expect(tried).toEqual(closed.map(([to, port]) => `${to}:${port} 1`));
  expect((await inWeb(['ls', '/srv', '/etc/dkimkeys'])).status).not.toBe(0);
  expect((await inWeb(['touch', '/etc/ssl/web/x'])).status).not.toBe(0);
}, 120_000);

test('the pages of mailctl web are behind the same HTTPS', async () => {
  const place = visitor('mail.example.test', 'pages');
  const page = await waitFor('the account page', async () => {
    const answer = await request(place, '/account');
    return answer.status === 200 ? answer : undefined;
  });
  const link = /https:\S+(\/invite\/\S+)/.exec(
    await box.does('user invite carol@example.test'),
  )?.[1];
  const invited = await request(place, link ?? '/no-link');
  const settings = '/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=alice@example.test';
  const autoconfig = await request(visitor('autoconfig.example.test', 'setup'), settings);

  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.headers.get('x-frame-options')).toBe('DENY');
  expect({ status: invited.status, page: invited.body.includes('carol@example.test') }).toEqual({
    ...{ status: 200, page: true },
  });
  expect({ status: autoconfig.status, xml: autoconfig.body.includes('<incomingServer') }).toEqual({
    ...{ status: 200, xml: true },
  });
  // webmail has names of its own
  expect((await request(visitor('autoconfig.example.test', 'setup'), '/')).status).toBe(404);
}, 120_000);

test('hundreds of slow and of simultaneous requests do not keep others out', async () => {
  const silent = await Promise.all(
    Array.from({ length: 200 }, () =>
      lab.wan.connect({ host: NETWORK.router.wan, port: 443, from: '203.0.113.88' }),
    ),
  );
  const url = 'https://webmail.example.test/?n=[1-500]';
  const curl = [
    'curl',
    '-sS',
    '-Z',
    '--parallel-max',
    '100',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}\\n',
  ];
  const trust = ['--cacert', join(box.data, 'ssl/fullchain.pem'), '--interface', '203.0.113.99'];
  const resolve = ['--resolve', `webmail.example.test:443:${NETWORK.router.wan}`];
  const flood = lab.wan.run([...curl, ...trust, ...resolve, url], { timeout: 110_000 });
  const patient = await request(visitor('webmail.example.test', 'patient'), '/');
  const answers = (await flood).stdout.trim().split('\n');

  expect(patient.status).toBe(200);
  // beyond the limits of one address
  expect(answers.filter((code) => !['200', '429', '503', '000'].includes(code))).toEqual([]);
  expect(answers.filter((code) => code === '200').length).toBeGreaterThan(50);
  for (const connection of silent) connection.destroy();
  expect((await box.mailctl('webmail status')).status).toBe(0);
}, 120_000);

test('a fault of the web container is shown and fixed, and mail is not affected', async () => {
  await inWeb(['s6-svc', '-d', '/run/service/php']);
  const page = await waitFor('the error page', async () => {
    const answer = await request(visitor('webmail.example.test', 'fault'), '/');
    return answer.status === 503 ? answer : undefined;
  });
  const status = await box.mailctl('webmail status');
  const findings = await box.mailctl('doctor --only webmail');
  const bob = await lab.lan.mailbox({ user: 'bob@example.test', password: PASSWORD });
  bob.close();

  expect(page.body).toContain('Not available at the moment');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(status.status).toBe(1);
  expect(status.stdout).toContain('php is down');
  expect(findings.stdout).toContain('webmail is degraded: php is down');
  await inWeb(['s6-svc', '-u', '/run/service/php']);
  await waitFor('webmail', async () =>
    (await box.mailctl('webmail status')).status === 0 ? true : undefined,
  );
}, 120_000);

test('doctor --fix, which serve runs, starts a killed web container and restores its rules', async () => {
  await lab.router.run(['lxc-stop', '-k', '-P', join(box.data, '../lxc'), '-n', WEB]);
  expect((await box.mailctl('webmail status')).status).toBe(69);

  await box.does('doctor --only webmail --fix --yes');

  expect((await box.json<{ state: string }>('webmail status')).state).toBe('running');
  const table = ['table', 'inet', `mailserver_${WEB.replaceAll('-', '_')}`];
  await lab.router.run(['nft', 'delete', ...table]);
  expect((await box.mailctl('doctor --only webmail.network')).stdout).toContain(
    'changed by another',
  );
  await box.does('doctor --only webmail --fix --yes');
  expect((await lab.router.run(['nft', 'list', ...table])).stdout).toContain(
    'dport { 80, 443, 8026 }',
  );
  // the settings of a person are still there
  const place = visitor('webmail.example.test', 'again');
  expect((await logIn(place, 'alice@example.test', PASSWORD)).status).toBe(302);
}, 120_000);

test('a new certificate is served without a restart, and people who are logged in stay so', async () => {
  const place = visitor('webmail.example.test', 'renewed');
  expect((await logIn(place, 'alice@example.test', PASSWORD)).status).toBe(302);
  const pair = await makeCertificate(join(box.data, '..'), [
    ...['mail.example.test', 'webmail.example.test'],
  ]);

  await box.configure({
    ssl: { type: 'manual', cert_path: pair.certificate, key_path: pair.key },
    // install has set it in the file, which this replaces
    web: { enabled: 1 },
  });
  expect((await box.mailctl('apply')).stderr).not.toContain('webmail');

  const trusting = { ...place, trusted: pair.certificate };
  // workers of nginx that still answer after its reload have the former certificate
  await waitFor('the new certificate', async () => {
    try {
      return (await listFolder(trusting, 'INBOX')).includes('"messagecount":') || undefined;
    } catch (error) {
      if (String(error).includes('ended with status 60')) return undefined;
      throw error;
    }
  });
  expect((await box.mailctl('webmail status')).status).toBe(0);
}, 120_000);

test('uninstall removes the container and keeps the settings of the users', async () => {
  await box.does('webmail uninstall');

  expect((await box.mailctl('webmail status')).status).toBe(69);
  expect(await Bun.file(join(box.data, 'webmail/state/roundcube/roundcube.sqlite')).exists()).toBe(
    true,
  );
  await expect(request(visitor('webmail.example.test', 'gone'), '/')).rejects.toThrow('curl');
  expect((await box.mailctl('doctor --only webmail')).stdout).toContain('not installed');
}, 120_000);

describe('a Roundcube that exists already', () => {
  const name = `${PREFIX}own`;
  let own: HandMade;
  const read = (file: string) => readFile(join(own.root, 'etc/roundcube', file), 'utf8');
  const value = async (option: string) => {
    const php = `include '/etc/roundcube/config.inc.php'; echo json_encode($config['${option}'] ?? null);`;
    return JSON.parse((await own.inside(['php8.4', '-n', '-r', php])).stdout);
  };

  beforeAll(async () => {
    const lxc = join(box.data, '../lxc');
    const place = { name, lxc, bridge: 'br-mail', address: '10.82.25.9/24' };
    own = await startRoundcube(lab.router, image, place);
    await symlink('php8.4', join(own.root, 'usr/bin/php'));
    await box.configure({ webmail: { container: name }, web: { enabled: 0 } });
  }, 60_000);

  test('install does not replace it', async () => {
    const { status, stderr } = await box.mailctl(['webmail', 'install', '--image', image]);

    expect(status).toBe(69);
    expect(stderr).toContain(`the container ${name} exists, and mailctl did not make it`);
  });

  test('configure points it here over checked TLS, and keeps its database and an edited file', async () => {
    const { stdout, stderr, status } = await box.mailctl('webmail configure --json');

    expect({ status, stderr: stderr.includes('edited by hand') }).toEqual({
      status: 0,
      stderr: true,
    });
    const done = JSON.parse(stdout);
    expect(done).toMatchObject({ kind: 'lxc', changed: true, server: `ssl://${box.address}:993` });
    expect(await read(basename(done.kept_as))).toContain('old.example.test');
    expect(await value('imap_host')).toBe(`ssl://${box.address}:993`);
    expect(await value('db_dsnw')).toBe('sqlite:////var/lib/own.sqlite?mode=0640');
    expect(await value('des_key')).toBe("a key with 'quotes'-----");
    expect(await value('temp_dir')).toBeNull();
    expect(await value('plugins')).toEqual([
      ...['emoticons', 'archive', 'markasjunk', 'zipdownload', 'managesieve'],
    ]);
    expect((await value('imap_conn_options')).ssl.verify_peer).toBe(true);

    const again = await box.json<{ changed: boolean }>('webmail configure');
    expect(again.changed).toBe(false);
  }, 60_000);

  test('its own addition to the file is kept beside at the next configure', async () => {
    await own.inside(['sh', '-c', "echo '// mine' >>/etc/roundcube/config.inc.php"]);

    const done = await box.json<{ changed: boolean; kept_as: string }>('webmail configure');

    expect(done.changed).toBe(true);
    expect(await read(basename(done.kept_as))).toEndWith('// mine\n');
    expect(await read('config.inc.php')).not.toContain('// mine');
  }, 60_000);

  test('in Docker it is found by docker, with the same result', async () => {
    const lxc = join(box.data, '../lxc');
    const folder = join(box.data, '../docker');
    await mkdir(folder, { recursive: true });
    const attach = `exec lxc-attach -P ${lxc} -n ${name} -- "$@"`;
    const script = `#!/bin/sh\ncase $1 in inspect) [ "$6" = in-docker ] && echo true ;; exec) shift 3; ${attach} ;; esac\n`;
    await writeFile(join(folder, 'docker'), script, { mode: 0o755 });
    await box.configure({ webmail: { container: 'in-docker' } });

    const env = { PATH: `${folder}:${process.env.PATH}` };
    const { status, stdout } = await box.mailctl('webmail configure --json', { env });

    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'docker', changed: false });
  }, 60_000);

  test('a container without Roundcube is refused', async () => {
    await box.configure({ webmail: { container: name } });
    await rm(join(own.root, 'usr/share/roundcube'), { recursive: true });

    const { status, stderr } = await box.mailctl('webmail configure');

    expect(status).toBe(69);
    expect(stderr).toContain(`the container ${name} (lxc) has no Roundcube`);
  });
});
