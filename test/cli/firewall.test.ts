// firewall-setup and firewall-clear with a uci that behaves like OpenWrt's, on a router with fw4's and dnsmasq's files.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearFirewall, setUpFirewall } from '../../src/appliance/firewall/firewall.ts';
import { appliancePaths } from '../../src/appliance/paths.ts';
import { JOBS } from '../../src/appliance/schedule/jobs.ts';
import { readSettings } from '../../src/appliance/settings/uci-file.ts';
import { createHost } from '../../src/host/host.ts';
import { differences, readShapes } from '../json-document.ts';
import { createInstalledRouter, type InstalledRouter } from './installed.ts';

const FILES = join(import.meta.dir, 'firewalls');
const FW4 = join(import.meta.dir, '../fw4');
const FIREWALL = '/etc/config/firewall';
const DHCP = '/etc/config/dhcp';
const FRESH = readFileSync(join(FILES, '01-fresh'), 'utf8');
const NETWORK = "config interface 'lan'\n\toption device 'br-lan'\n\nconfig interface 'wan'\n";
const NAMES =
  "\nconfig dnsmasq\n\toption domain 'lan'\n\nconfig domain\n\toption name 'printer'\n\toption ip '192.168.1.9'\n\n";
/** Of the LAN, of the router, of an exempt network, and no address; then one that is banned already, and a new one. */
const BANNED =
  "[{'mail-login': ['192.168.1.7', '192.168.1.1', '203.0.113.9', '1.2.3', '198.51.100.2', '198.51.100.9']}]";
const IP = `#!/bin/sh
case "$*" in
*'-4 addr'* | *'-o addr'*) echo '3: br-lan    inet 192.168.1.1/24 brd 192.168.1.255 scope global br-lan' ;;
*'-6 addr'*) echo '3: br-lan    inet6 2001:db8:1::1/64 scope global' ;;
esac
`;

let router: InstalledRouter;

const read = (path: string) => readFileSync(join(router.root, path), 'utf8');

function configure(options: string, more = '', container = 'mailserver') {
  const text = `config mailserver 'main'\n\toption domain 'example.com'\n\toption container '${container}'\n\toption lxc_path '/srv/lxc'\nconfig network 'network'\n\toption address '192.168.1.25/24'\n${options}\n${more}`;
  router.write('/etc/config/mailserver', text);
}

/** Runs the uci of the router. */
function uci(words: string[], stdin = '') {
  const { stdout, stderr, exitCode } = Bun.spawnSync([join(router.root, 'bin/uci'), ...words], {
    env: { ...process.env, MAILCTL_ROOT: router.root },
    stdin: new TextEncoder().encode(stdin),
  });
  expect({ stderr: stderr.toString(), exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return stdout.toString();
}

const SHAPES = readShapes();

const faults = (example: string, text: string) =>
  differences(SHAPES.get(example) ?? {}, JSON.parse(text));

/** Host and appliance of the router in this process. */
async function open() {
  const PATH = `${router.root}/bin:${process.env.PATH}`;
  const env = { ...process.env, MAILCTL_ROOT: router.root, PATH };
  const host = createHost({ root: router.root, env, say: () => undefined });
  const settings = await readSettings(host, '/etc/config/mailserver');
  return { host, target: { settings, paths: appliancePaths(settings) } };
}

const reloads = () => (existsSync(join(router.root, 'reloads')) ? read('/reloads') : '');

beforeEach(() => {
  router = createInstalledRouter(`  'fail2ban-client banned') echo "${BANNED}" ;;`);
  router.write('/bin/ip', IP, 0o755);
  const stub = `#!/bin/sh\nexec ${process.execPath} ${join(import.meta.dir, '../stand-ins/uci')} "$@"\n`;
  router.write('/bin/uci', stub, 0o755);
  router.write('/sys/class/net/br-lan/bridge/x', '');
  router.write('/etc/config/network', NETWORK);
  router.write(FIREWALL, FRESH);
  router.write(DHCP, NAMES);
  for (const service of ['firewall', 'dnsmasq']) {
    const script = `#!/bin/sh\necho ${service} $1 >>${router.root}/reloads\n`;
    router.write(`/etc/init.d/${service}`, script, 0o755);
  }
  configure('');
});
afterEach(() => router.remove());

/** The sections of ours at the end of the file, as uci writes them. */
const ours = () => read(FIREWALL).slice(FRESH.length - 1);

/** The address that the bans concern is ours: fw4's own examples drop banned addresses to the whole LAN. */
function withDestination(sections: string): string {
  return sections
    .replace(
      "option ipset 'mailserver_banned'\n",
      "option ipset 'mailserver_banned'\n\toption dest_ip '192.168.1.25'\n",
    )
    .replace(
      "option ipset 'mailserver_banned6'\n",
      "option ipset 'mailserver_banned6'\n\toption dest_ip '::25/::ffff:ffff:ffff:ffff'\n",
    );
}

/** Blank lines and the order of sections of another type mean nothing to fw4. */
function parts(text: string): string[] {
  return text
    .split(/\n(?=config )/)
    .map((part) => part.trim())
    .filter(Boolean);
}

const sorted = (texts: string[]) => {
  const typeOf = (text: string) => /^config (\w+)/.exec(text)?.[1] ?? '';
  return ['ipset', 'rule', 'redirect'].flatMap((type) =>
    texts.filter((one) => typeOf(one) === type),
  );
};

describe('firewall-setup', () => {
  test('writes the sections that fw4 was seen to turn into the right rules', async () => {
    configure("\toption address6 '::25/64'");

    const { status, stderr } = await router.mailctl('firewall-setup');

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const known = withDestination(readFileSync(join(FW4, 'bans-first.sections'), 'utf8'));
    expect(sorted(parts(ours()))).toEqual(sorted(parts(known)));
    expect(read(DHCP)).toBe(
      `${NAMES.trimEnd()}\n\nconfig domain 'mailserver_name'\n\toption name 'mail.example.com'\n\toption ip '192.168.1.25'\n\nconfig domain 'mailserver_name6'\n\toption name 'mail.example.com'\n\toption ip '2001:db8:1::25'\n\n`,
    );
    expect(reloads()).toBe('firewall reload\ndnsmasq reload\n');
  });

  test('without fail2ban and IPv6 only the redirects are written', async () => {
    configure("config features 'features'\n\toption fail2ban '0'");

    await router.mailctl('firewall-setup');

    const known = readFileSync(join(FW4, 'mail.sections'), 'utf8');
    expect(parts(ours())).toEqual(
      parts(known).filter((text) => text.startsWith('config redirect')),
    );
  });

  test.each([
    ["\tlist services 'imap'\n\tlist services 'sieve'", ['143', '4190']],
    ['', ['25', '465', '587', '993']],
  ])('opens the services of the option %p only', async (option, expected) => {
    configure('', `config firewall 'firewall'\n${option}`);

    await router.mailctl('firewall-setup');

    expect([...ours().matchAll(/src_dport '(\d+)'/g)].map(([, port]) => port)).toEqual([
      ...expected,
    ]);
  });

  test('run twice changes nothing, not even the file', async () => {
    await router.mailctl('firewall-setup');
    const before = read(FIREWALL);
    const count = reloads();

    const { status, stdout } = await router.mailctl('firewall-setup');

    expect({ status, stdout }).toEqual({ status: 0, stdout: 'nothing to change\n' });
    expect([read(FIREWALL), reloads()]).toEqual([before, count]);
  });

  test('a dry run names each section and changes nothing', async () => {
    const { status, stdout } = await router.mailctl('firewall-setup --dry-run');

    expect(status).toBe(0);
    expect(stdout).toContain('would add firewall firewall redirect mailserver_smtp (none)');
    expect([read(FIREWALL), read(DHCP), reloads()]).toEqual([FRESH, NAMES, '']);
  });

  test('a foreign redirect of a port is named, and neither changed nor shadowed', async () => {
    const foreign =
      "config redirect\n\toption name 'Old mail host'\n\toption target 'DNAT'\n\toption src 'wan'\n\toption dest 'lan'\n\toption proto 'tcp'\n\toption src_dport '20-30'\n\toption dest_ip '192.168.1.77'\n\n";
    router.write(FIREWALL, FRESH + foreign);

    const { status, stderr } = await router.mailctl('firewall-setup');
    const again = await router.mailctl('firewall-setup --json');
    const cleared = await router.mailctl('firewall-clear --json');

    expect(status).toBe(1);
    expect(stderr).toContain("port 25 (smtp): redirect 'Old mail host' sends it to 192.168.1.77");
    expect(read(FIREWALL)).toStartWith((FRESH + foreign).trimEnd());
    expect(read(FIREWALL)).not.toContain("mailserver_smtp'");
    expect(JSON.parse(again.stdout)).toEqual({
      v: 1,
      changes: [],
      foreign: [{ service: 'smtp', port: 25, section: 'Old mail host', to: '192.168.1.77' }],
    });
    expect(faults('mailctl firewall-setup', again.stdout)).toEqual([]);
    expect(faults('mailctl firewall-clear', cleared.stdout)).toEqual([]);
    expect(JSON.parse(cleared.stdout).changes).not.toEqual([]);
  });

  test("the operator's own options in a section of ours are kept, and a difference is repaired", async () => {
    await router.mailctl('firewall-setup');
    uci(['set', 'firewall.mailserver_smtp.name=Mail server SMTP']);
    uci(['set', 'firewall.mailserver_smtps.enabled=0']);
    uci(['set', 'firewall.mailserver_imaps.dest_ip=192.168.1.99']);
    uci(['commit', 'firewall']);

    const { stdout, stderr } = await router.mailctl('firewall-setup');

    expect(stdout).toStartWith('~ firewall firewall redirect mailserver_imaps (none)');
    expect(stderr).toContain('section mailserver_smtps is disabled');
    expect(uci(['get', 'firewall.mailserver_smtp.name'])).toBe('Mail server SMTP\n');
    expect(uci(['get', 'firewall.mailserver_smtps.enabled'])).toBe('0\n');
    expect(uci(['get', 'firewall.mailserver_imaps.dest_ip'])).toBe('192.168.1.25\n');
  });

  test('bans that are added later stand before the rules that accept', async () => {
    configure("\toption address6 '::25/64'\nconfig features 'features'\n\toption fail2ban '0'");
    await router.mailctl('firewall-setup');
    configure("\toption address6 '::25/64'");

    await router.mailctl('firewall-setup');

    const text = read(FIREWALL);
    expect(text.indexOf("'mailserver_drop6'")).toBeLessThan(text.indexOf("'mailserver_smtp6'"));
    expect((await router.mailctl('firewall-setup')).stdout).toBe('nothing to change\n');
  });

  test.each(['', 'leak'])(
    'staged changes of others are not committed (fault of uci: %p)',
    async (fault) => {
      router.write(
        '/bin/uci',
        `#!/bin/sh\nUCI_FAULT=${fault} exec ${process.execPath} ${join(import.meta.dir, '../stand-ins/uci')} "$@"\n`,
        0o755,
      );
      uci(['set', 'firewall.@rule[0].enabled=0']);
      const staged = uci(['changes', 'firewall']);

      const { status, stderr } = await router.mailctl('firewall-setup');

      expect(uci(['changes', 'firewall'])).toBe(staged);
      expect(read(FIREWALL)).not.toContain("option enabled '0'");
      expect(status).toBe(fault === 'leak' ? 69 : 0);
      if (fault === 'leak') expect(stderr).toContain('hint: uci changes firewall');
      if (fault === 'leak') expect(read(FIREWALL)).toBe(FRESH);
    },
  );

  test('a change that uci refuses in its batch is an error, and nothing is committed', async () => {
    router.write(
      '/bin/uci',
      `#!/bin/sh\nUCI_FAULT=refuse exec ${process.execPath} ${join(import.meta.dir, '../stand-ins/uci')} "$@"\n`,
      0o755,
    );

    const { status, stderr } = await router.mailctl('firewall-setup');

    expect(status).toBe(69);
    expect(stderr).toContain('uci refused a change: uci: Invalid argument');
    expect([read(FIREWALL), reloads()]).toEqual([FRESH, '']);
  });

  test('sections that the firewall does not load are removed again', async () => {
    router.write(
      '/etc/init.d/firewall',
      '#!/bin/sh\necho "Could not process rule" >&2; exit 1\n',
      0o755,
    );

    const { status, stderr } = await router.mailctl('firewall-setup');

    expect(status).toBe(69);
    expect(stderr).toContain('Could not process rule');
    expect(read(FIREWALL)).toBe(FRESH);
  });

  test('a change that the firewall does not load is taken back to what it was', async () => {
    await router.mailctl('firewall-setup');
    uci(['set', 'firewall.mailserver_smtp.name=Mail']);
    uci(['commit', 'firewall']);
    const before = read(FIREWALL);
    router.write('/etc/init.d/firewall', '#!/bin/sh\nexit 1\n', 0o755);
    configure("config ports 'ports'\n\toption smtp '2525'\n\toption imaps '0'\n");

    const { status } = await router.mailctl('firewall-setup');

    expect(status).toBe(69);
    const sorted = (text: string) => text.split(/\n(?=config )/).sort();
    expect(sorted(read(FIREWALL))).toEqual(sorted(before));
  });

  test('a rule that is missing in the kernel after the reload is an error too', async () => {
    router.write('/bin/nft', '#!/bin/sh\necho "table inet fw4 {"\n', 0o755);

    const { status, stderr } = await router.mailctl('firewall-setup');

    expect(status).toBe(69);
    expect(stderr).toContain('no rule in the kernel for mailserver_banned, mailserver_drop');
    expect(read(FIREWALL)).toBe(FRESH);
  });

  test('a bridge that is in no zone is refused with what to do', async () => {
    router.write('/etc/config/network', "config interface 'lan'\n\toption device 'br-other'\n");

    const { status, stderr } = await router.mailctl('firewall-setup');

    expect(status).toBe(69);
    expect(stderr).toContain('the bridge br-lan (network.bridge) is in no zone');
  });

  test('a section of another type with a name of ours is refused', async () => {
    router.write(FIREWALL, `${FRESH}config rule 'mailserver_smtp'\n\toption src 'wan'\n\n`);

    const { status, stderr } = await router.mailctl('firewall-setup');

    expect(status).toBe(69);
    expect(stderr).toContain("section 'mailserver_smtp' of /etc/config/firewall is a rule");
  });

  test('without /etc/config/firewall it says who publishes the ports', async () => {
    Bun.spawnSync([
      'rm',
      join(router.root, FIREWALL),
      join(router.root, 'sys/class/net/br-lan/bridge/x'),
    ]);
    Bun.spawnSync(['rm', '-r', join(router.root, 'sys/class/net/br-lan')]);

    for (const word of ['firewall-setup', 'firewall-clear']) {
      const { status, stdout } = await router.mailctl(word);

      expect(status).toBe(0);
      expect(stdout).toContain('mailctl publishes the ports itself');
    }
  });
});

describe('beside the sections of an operator', () => {
  /** The router with these sections of test/fw4 behind its own, and nft's listing. */
  function load(name: string, listing: string): void {
    configure("\toption address6 '::25/64'\nconfig features 'features'\n\toption fail2ban '0'\n");
    router.write(FIREWALL, FRESH + readFileSync(join(FW4, `${name}.sections`), 'utf8'));
    const rules = readFileSync(join(FW4, `${listing}.nft`), 'utf8');
    router.write('/rules', rules);
    router.write('/bin/nft', `#!/bin/sh\ncat ${router.root}/rules\n`, 0o755);
  }

  test.each([
    ['mail', 'mail'],
    ['disabled', 'disabled'],
    ['named', 'named'],
    ['foreign-last', 'mail'],
  ])(
    '%s: the sections of a known router are in order, and so are the rules that fw4 made of them',
    async (name, listing) => {
      load(name, listing);
      const names = "config firewall 'firewall'\n\toption split_horizon '0'\n";
      router.write('/etc/config/mailserver', read('/etc/config/mailserver') + names);
      const before = read(FIREWALL);

      const { status, stdout } = await router.mailctl('firewall-setup');

      expect({ status, stdout }).toEqual({ status: 0, stdout: 'nothing to change\n' });
      expect([read(FIREWALL), reloads()]).toEqual([before, '']);
      const { stdout: found } = await router.mailctl('doctor --only firewall.rules');
      expect(found).toContain('every rule is loaded');
    },
  );

  test('foreign-first: a redirect that fw4 takes before ours is named', async () => {
    load('foreign-first', 'mail');

    const { status, stderr } = await router.mailctl('firewall-setup');

    expect(status).toBe(1);
    expect(stderr).toContain("redirect 'Old mail host' sends it to 192.168.1.77");
    expect(read(FIREWALL)).toContain("config redirect 'oldmail'");
  });
});

/** A firewall with the set of IPv4 addresses alone; what nft loads is in /loaded. */
function loadSet(elements = '198.51.100.1 timeout 1h expires 10m, 198.51.100.2') {
  router.write(
    '/bin/nft',
    `#!/bin/sh\ncase "$*" in\n*'fw4 mailserver_banned') echo 'set mailserver_banned { elements = { ${elements} } }' ;;\n'-f -') cat >>${router.root}/loaded ;;\n*) exit 1 ;;\nesac\n`,
    0o755,
  );
  router.write(
    '/srv/lxc/mailserver/config',
    readFileSync(join(router.root, 'srv/lxc/router-of-tests/config'), 'utf8'),
  );
  router.up(true);
}

describe('bans at the router', () => {
  test('follow the container in one transaction, without the LAN, exempt networks and what is no address', async () => {
    configure('', "config fail2ban 'fail2ban'\n\tlist ignore '203.0.113.0/24'\n");
    loadSet();

    const { status, stdout } = await router.mailctl('fail2ban sync --json');

    expect(status).toBe(0);
    expect(faults('mailctl fail2ban sync', stdout)).toEqual([]);
    expect(JSON.parse(stdout)).toEqual({
      v: 1,
      banned: ['198.51.100.9'],
      lifted: ['198.51.100.1'],
      refused: 4,
    });
    expect(read('/loaded')).toBe(
      'add element inet fw4 mailserver_banned { 198.51.100.9, 198.51.100.1 }\ndelete element inet fw4 mailserver_banned { 198.51.100.1 }\n',
    );
  });

  test('a dry run names them and changes nothing', async () => {
    loadSet();

    const { stdout } = await router.mailctl('fail2ban sync --dry-run');

    expect(stdout).toContain('would lift the ban of 198.51.100.1 at the router\n');
    expect(existsSync(join(router.root, 'loaded'))).toBe(false);
  });
});

describe('the job of serve for the bans', () => {
  const isDue = async () => {
    const { host, target } = await open();
    return JOBS.find(({ name }) => name === 'bans')?.watch?.(host, target);
  };

  test.each([
    ['a ban is missing at the router', '198.51.100.2', true],
    ['a lifted ban is still there', '198.51.100.1, 198.51.100.2, 198.51.100.9', true],
    ['both are equal', '198.51.100.9 timeout 1h expires 3s, 198.51.100.2', false],
  ])('when %s: due %p', async (_, elements, expected) => {
    configure('', "config fail2ban 'fail2ban'\n\tlist ignore '203.0.113.0/24'\n");
    loadSet(elements);

    expect(await isDue()).toBe(expected);
  });

  test('is not due without a set in the firewall, or while the container is down', async () => {
    expect(await isDue()).toBe(false);
    loadSet();
    router.up(false);
    expect(await isDue()).toBe(false);
  });
});

describe('the sections follow the UCI file', () => {
  test('plan shows nothing before firewall-setup, and the differences afterwards', async () => {
    const changes = async () =>
      (
        JSON.parse((await router.mailctl('plan --json')).stdout) as {
          changes: { what: string; name: string; action: string }[];
        }
      ).changes
        .filter(({ what, name }) => what === 'firewall' && name !== 'network and ports')
        .map(({ name, action }) => `${action} ${name}`);
    configure('', '', 'router-of-tests');
    router.write('/srv/mailserver/config/users', '');
    expect(await changes()).toEqual([]);
    await router.mailctl('firewall-setup');
    expect(await changes()).toEqual([]);

    const ports = "config ports 'ports'\n\toption smtps '0'\n\toption imaps '1993'";
    configure(ports, '', 'router-of-tests');

    expect(await changes()).toEqual([
      'remove firewall redirect router_of_tests_smtps',
      'change firewall redirect router_of_tests_imaps',
    ]);
  });

  test('doctor reports a router that was not set up, and a difference', async () => {
    const check = async () =>
      (
        JSON.parse((await router.mailctl('doctor --only firewall.sections --json')).stdout) as {
          checks: { severity: string; fix: string | null }[];
        }
      ).checks;
    expect(await check()).toMatchObject([{ severity: 'warning', fix: 'mailctl firewall-setup' }]);
    await router.mailctl('firewall-setup');
    expect(await check()).toMatchObject([{ severity: 'ok' }]);
    uci(['set', 'firewall.mailserver_imaps.dest_ip=192.168.1.99']);
    uci(['commit', 'firewall']);
    expect(await check()).toMatchObject([{ severity: 'warning' }]);
  });
});

describe("other people's firewall files", () => {
  const texts = readdirSync(FILES).sort();
  /** Files that uci has not written: any commit writes them anew, without their comments. */
  const AS_TYPED = /^(?:18|19|20)-/;
  const REWRITE = 'set firewall.x=rule\ncommit firewall\ndelete firewall.x\ncommit firewall\n';

  test('there are 20', () => expect(texts).toHaveLength(20));

  test.each(texts)('%s comes back as uci itself writes it', async (name) => {
    const original = readFileSync(join(FILES, name), 'utf8');
    router.write(FIREWALL, original);
    if (AS_TYPED.test(name)) uci(['batch'], REWRITE);
    const written = read(FIREWALL);
    router.write(FIREWALL, original);
    configure('', "config firewall 'firewall'\n\toption split_horizon '0'\n");
    const { host, target } = await open();

    await setUpFirewall(host, target);

    const after = read(FIREWALL);
    const ourSections = /\nconfig \w+ 'mailserver_(?!other)\w+'\n(?:\t.*\n)+/g;
    const withoutOurs = after.replace(ourSections, '');
    expect(after).not.toBe(withoutOurs);
    expect(withoutOurs).toBe(written);
    await clearFirewall(host, target);
    expect(read(FIREWALL)).toBe(written);
  });
});
