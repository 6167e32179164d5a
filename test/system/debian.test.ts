// A Debian host with systemd, set up as the README says, shut down and booted again.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureImage } from '../../scripts/image.ts';
import { ROOT } from '../../scripts/programs.ts';
import { bootDebian, type DebianHost, onDisk, removeDebian } from './debian/machine.ts';
import { waitFor } from './lab/programs.ts';

const ADDRESS = 'alice@example.test';
const UNIT = 'mailserver.service';
const LOG = '/srv/mailserver/log/current';

let debian: DebianHost;
let image: string;

beforeAll(async () => {
  image = process.env.MAILSERVER_IMAGE ?? (await ensureImage());
  await removeDebian();
  debian = await bootDebian();
});
afterAll(async () => {
  debian.kill();
  await removeDebian();
});

/** The commands of the README's chapter, as they are typed on this host: no network, and the image is built. */
async function commandsOfReadme(): Promise<string[]> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const chapter = readme.split('\n## On Debian\n')[1]?.split('\n## ')[0] ?? '';
  const lines = [...chapter.matchAll(/^ {4}((?:dist\/)?mailctl [^#\n]*)/gm)].map(([, line]) =>
    (line ?? '').trim(),
  );
  return lines
    .filter((line) => !/dns-setup|ssl-setup|doctor/.test(line))
    .map((line) =>
      line
        .replaceAll('example.com', 'example.test')
        .replace(/install .*/, `$& --image ${image}`)
        .replace(/user add .*/, '$& --generate'),
    );
}

/** A shell in the clone, as in the README. */
const sh = (line: string) =>
  debian.must(['sh', '-c', `cd ${ROOT} && ${line}`], { timeout: 150_000 });

const status = async () =>
  JSON.parse((await debian.run(['mailctl', 'status', '--json'])).stdout || '{}') as {
    state?: string;
    scheduler?: unknown;
  };

const initPid = async () =>
  (await debian.must(['lxc-info', '-n', 'mailserver', '-H', '-p'])).trim();

const isRunning = async () => ((await status()).state === 'running' ? true : undefined);

test('the commands of the README give a server that systemd starts at boot', async () => {
  const commands = await commandsOfReadme();
  expect(commands.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
    'dist/mailctl init',
    'dist/mailctl install',
    'mailctl user',
  ]);

  for (const command of commands) await sh(command);

  expect((await debian.must(['systemctl', 'is-enabled', UNIT])).trim()).toBe('enabled');
  expect(await debian.must(['mailctl', 'user', 'list'])).toContain(ADDRESS);
  expect((await status()).state).toBe('running');
});

test('systemd accepts the unit, and rates it as better than one without confinement', async () => {
  const file = `/etc/systemd/system/${UNIT}`;

  expect(await debian.must(['systemd-analyze', 'verify', file])).toBe('');
  // of 100; 96 without any line of it
  await debian.must(['systemd-analyze', 'security', '--offline=true', '--threshold=80', file]);
});

test('installed again, nothing is restarted', async () => {
  const before = await initPid();
  await debian.must(['systemctl', 'is-active', UNIT]);

  const again = ['mailctl', 'install', '--service', '--json'];
  const answer = JSON.parse(await debian.must(again, { timeout: 150_000 }));

  expect(answer).toMatchObject({ changes: [], service: UNIT });
  expect(await initPid()).toBe(before);
});

test('the mail server runs on while a crashed mailctl serve is started again', async () => {
  const before = await initPid();
  const main = ['systemctl', 'show', '--property=MainPID', '--value', UNIT];
  const serve = await waitFor('mailctl serve to run', async () => {
    const pid = (await debian.must(main)).trim();
    return pid === '0' ? undefined : pid;
  });

  await debian.must(['kill', '-KILL', serve]);

  const state = ['systemctl', 'show', '--property=SubState', '--value', UNIT];
  await waitFor('systemd to wait before the next start', async () =>
    (await debian.must(state)).trim() === 'auto-restart' ? true : undefined,
  );
  expect(await initPid()).toBe(before);
  // instead of waiting for RestartSec
  await debian.must(['systemctl', 'start', UNIT]);
  await waitFor('another mailctl serve', async () => {
    const pid = (await debian.must(main)).trim();
    return pid === '0' || pid === serve ? undefined : pid;
  });
  expect(await initPid()).toBe(before);
});

test('a shutdown stops the daemons, and the next boot starts them, with a login and a message', async () => {
  const before = (await Bun.file(onDisk(LOG)).text()).length;

  await debian.powerOff();

  const said = (await Bun.file(onDisk(LOG)).text()).slice(before);
  expect(said).toContain('terminating on signal 15');

  debian = await bootDebian();
  await waitFor('the mail server to run', isRunning, 90_000);
  // Its probe sends a message through every daemon, with what the unit leaves to them
  await waitFor('mailctl serve to have started the server', async () => {
    const journal = await debian.must(['journalctl', '--no-pager', '-u', UNIT, '-b']);
    return journal.includes('start ended') ? true : undefined;
  });
  expect(await debian.must(['mailctl', 'user', 'list'])).toContain(ADDRESS);
});

test('uninstall removes the unit and keeps the data', async () => {
  await debian.must(['mailctl', 'uninstall'], { timeout: 120_000 });

  expect((await debian.run(['systemctl', 'cat', UNIT])).status).not.toBe(0);
  expect((await debian.run(['test', '-e', '/srv/mailserver/config/users'])).status).toBe(0);
  expect((await debian.run(['test', '-e', '/var/lib/lxc/mailserver'])).status).not.toBe(0);
});
