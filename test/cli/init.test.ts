// mailctl init on a fresh host: what it writes, which address it finds, and what it never overwrites.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createRouter, type Router } from './router.ts';

const UCI = '/etc/config/mailserver';
const SHIPPED = readFileSync(join(import.meta.dir, '../../files', UCI), 'utf8');

let host: Router;
beforeEach(() => {
  host = createRouter();
  rmSync(join(host.root, 'etc/config'), { recursive: true });
  network('');
});
afterEach(() => host.remove());

const text = () => readFileSync(join(host.root, UCI), 'utf8');

/** What `ip` shows: addresses and routes in one text, and the machine that has the address `taken`. */
function network(lines: string, taken = ''): void {
  const neighbour = `case "$*" in *' neigh flush '*) exit ;; *' neigh show to ${taken} '*) echo '${taken} lladdr 02:00:00:00:00:01 REACHABLE'; exit ;; *neigh*) exit ;; esac`;
  host.write('/bin/ip', `#!/bin/sh\n${neighbour}\ncat <<'END'\n${lines}\nEND\n`, 0o755);
}

const written = (domain: string, address: string) =>
  SHIPPED.replace("domain 'example.com'", `domain '${domain}'`).replace(
    "option address ''",
    `option address '${address}'`,
  );

test('init writes the shipped file with the values given, for root alone', async () => {
  const line = 'init --domain example.org --hostname mx --address 192.0.2.25/24';

  const { status, stdout, stderr } = await host.mailctl(line);

  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: `${UCI}:\n  domain: example.org\n  host name: mx.example.org\n  address of the container: 192.0.2.25/24\n`,
  });
  expect(stderr).toBe('next: mailctl install\n');
  expect(text()).toBe(
    written('example.org', '192.0.2.25/24').replace("hostname 'mail'", "hostname 'mx'"),
  );
  expect(statSync(join(host.root, UCI)).mode & 0o777).toBe(0o600);
  expect((await host.mailctl('config check')).status).toBe(0);
});

test.each([
  ['no other network', '', '10.82.25.2/24'],
  ['the first network in use', '2: eth0    inet 10.82.25.7/24 brd 10.82.25.255', '10.82.26.2/24'],
  [
    'a route that covers it',
    'default via 192.0.2.1 dev eth0\n10.0.0.0/8 dev wg0',
    '172.29.25.2/24',
  ],
  ['a route to one host', '10.82.25.200 dev wg0 scope link', '10.82.26.2/24'],
])('on a host with %s, init finds a free private network', async (_, lines, address) => {
  network(lines);

  expect((await host.mailctl('init --domain example.org')).status).toBe(0);

  expect(text()).toBe(written('example.org', address));
});

test('on a bridge, init takes an address outside the DHCP range that no machine answers for', async () => {
  // TEST-NET-1 is not routed here, so no probe is answered but by the table
  host.write('/sys/class/net/br-lan/bridge/bridge_id', '');
  network('5: br-lan    inet 192.0.2.1/24 brd 192.0.2.255', '192.0.2.30');
  host.write('/etc/config/dhcp', "config dhcp 'lan'\n\toption start '20'\n\toption limit '10'\n");

  expect((await host.mailctl('init --domain example.org')).status).toBe(0);

  expect(text()).toBe(written('example.org', '192.0.2.31/24'));
});

test('on a router without its bridge, init writes nothing', async () => {
  host.write('/etc/openwrt_release', "DISTRIB_ID='OpenWrt'\n");

  const { status, stderr } = await host.mailctl('init --domain example.org');

  expect(status).toBe(69);
  expect(stderr).toContain('the bridge br-lan (network.bridge) does not exist on this router');
  expect(existsSync(join(host.root, UCI))).toBe(false);
});

test('without a terminal and a domain, init names its options', async () => {
  const { status, stderr } = await host.mailctl('init');

  expect(status).toBe(64);
  expect(stderr).toContain('hint: mailctl init --domain <domain> [--hostname <name>] [--address');
  expect(existsSync(join(host.root, 'etc/config'))).toBe(false);
});

test('at a terminal, init asks, and an empty answer takes what it proposes', async () => {
  const main = join(import.meta.dir, '../../src/mailctl/main.ts');
  const terminal = Bun.spawn(['script', '-qec', `${process.execPath} ${main} init`, '/dev/null'], {
    env: { ...process.env, MAILCTL_ROOT: host.root, PATH: `${host.root}/bin:${process.env.PATH}` },
    ...{ stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' },
  });
  const answers = [
    ['mail domain (what follows @ in the addresses): ', 'example.org'],
    ['(a name without a dot is completed with .example.org) [mail]: ', 'mx'],
    ['with its prefix length [10.82.25.2/24]: ', ''],
  ];
  let shown = '';
  const decoder = new TextDecoder();
  for await (const piece of terminal.stdout) {
    shown += decoder.decode(piece);
    const [question, answer] = answers[0] ?? [];
    if (question === undefined || !shown.includes(question)) continue;
    terminal.stdin.write(`${answer}\n`);
    terminal.stdin.flush();
    answers.shift();
  }

  expect({ status: await terminal.exited, unanswered: answers }).toEqual({
    status: 0,
    unanswered: [],
  });
  expect(text()).toBe(
    written('example.org', '10.82.25.2/24').replace("hostname 'mail'", "hostname 'mx'"),
  );
});

test('a wrong value is refused, and nothing is written', async () => {
  const { status, stderr } = await host.mailctl('init --domain example');

  expect(status).toBe(64);
  expect(stderr).toContain("main.domain: 'example' is not");
  expect(existsSync(join(host.root, UCI))).toBe(false);
});

test('init repeated with the same values is a no-op', async () => {
  await host.mailctl('init --domain example.org');
  const before = statSync(join(host.root, UCI)).mtimeMs;

  // the address stays, also when it is in use by now
  network('2: br-lan    inet 10.82.25.2/24');
  const { status } = await host.mailctl('init --domain example.org');

  expect(status).toBe(0);
  expect(statSync(join(host.root, UCI)).mtimeMs).toBe(before);
});

test('the shipped file is filled in, with the comments of its operator', async () => {
  host.write(UCI, `# my server\n${SHIPPED}`);

  expect((await host.mailctl('init --domain example.org')).status).toBe(0);

  expect(text()).toBe(`# my server\n${written('example.org', '10.82.25.2/24')}`);
});

test('a configured file is replaced only with --force, and kept', async () => {
  const own = SHIPPED.replace(/option memory '.*'/, "option memory '1G'");
  host.write(UCI, own);

  const refused = await host.mailctl('init --domain example.org');
  expect(refused.status).toBe(64);
  expect(refused.stderr).toContain(`${UCI} is already configured; nothing was written`);
  expect(text()).toBe(own);

  const forced = await host.mailctl('init --domain example.org --force');
  expect(forced.stderr).toContain(`the file before is ${UCI}.old`);
  expect(text()).toBe(written('example.org', '10.82.25.2/24'));
  expect(readFileSync(join(host.root, `${UCI}.old`), 'utf8')).toBe(own);
  expect(statSync(join(host.root, `${UCI}.old`)).mode & 0o777).toBe(0o600);
});
