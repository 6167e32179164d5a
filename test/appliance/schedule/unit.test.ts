import { expect, test } from 'bun:test';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { renderUnit } from '../../../src/appliance/schedule/unit.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';

const PROGRAM = '/usr/local/sbin/mailctl';

function unitOf(container: string, uciFile = '/etc/config/mailserver') {
  const { main, ...rest } = defaultSettings();
  const settings = { ...rest, main: { ...main, container } };
  return renderUnit(
    { settings, paths: appliancePaths(settings, { uciFile, lxc: '/var/lib/lxc' }) },
    PROGRAM,
  );
}

const linesOf = (text: string, key: string) =>
  text.split('\n').filter((line) => line.startsWith(`${key}=`));

test('the unit runs mailctl serve with the UCI file, after the disks of the data are mounted', () => {
  const { path, text } = unitOf('mailserver');

  expect(path).toBe('/etc/systemd/system/mailserver.service');
  expect(linesOf(text, 'ExecStart')).toEqual([
    `ExecStart=${PROGRAM} --config /etc/config/mailserver serve`,
  ]);
  expect(linesOf(text, 'RequiresMountsFor')).toEqual([
    'RequiresMountsFor=/srv/mailserver /var/lib/lxc',
  ]);
  expect(text).not.toContain('{{');
});

test('each appliance of a host has a unit of its own', () => {
  expect(unitOf('second').name).toBe('mailserver-second.service');
});

test.each([
  ['/etc/my mail', '"/etc/my mail"'],
  ['/etc/100%', '/etc/100%%'],
  ['/etc/$HOME', '/etc/$$HOME'],
  ['/etc/"x\\y', '"/etc/\\"x\\\\y"'],
])('systemd reads the path %p as it is', (uciFile, written) => {
  expect(linesOf(unitOf('mailserver', uciFile).text, 'ExecStart')).toEqual([
    `ExecStart=${PROGRAM} --config ${written} serve`,
  ]);
});
