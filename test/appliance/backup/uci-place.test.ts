// The UCI file of a backup on another machine.

import { expect, test } from 'bun:test';
import { uciOfThisPlace } from '../../../src/appliance/backup/uci-place.ts';
import { checkSettings } from '../../../src/appliance/settings/check-settings.ts';

const BACKUP = `# mine
config mailserver 'main'
	option domain 'example.test'
	option data_path '/mnt/usb/mail'
	option memory '1G'

config network 'network'
	option address '192.168.1.25/24'
	option vlan '1'

config mesh 'mesh'
	option enabled '1'
`;

function settingsOf(present: string | null) {
  const text = uciOfThisPlace({ backup: BACKUP, present, file: 'uci' });
  const { settings, problems } = checkSettings(text, 'uci');
  expect(problems).toEqual([]);
  return { text, main: settings?.main, network: settings?.network, mesh: settings?.mesh };
}

test('on a machine without a file, all is as in the backup but for the folders of this machine', () => {
  const { text, main, network, mesh } = settingsOf(null);

  expect(text).toContain('# mine');
  expect(main).toMatchObject({
    domain: 'example.test',
    memory: 2 ** 30,
    dataPath: '/srv/mailserver',
  });
  expect(network).toMatchObject({ address: '192.168.1.25/24', vlan: 1 });
  expect(mesh?.enabled).toBe(true);
});

test('the shipped file of a new router changes no more than none', () => {
  const shipped =
    "config mailserver 'main'\n\toption domain 'example.com'\nconfig network 'network'\n\toption bridge 'br-lan'\n\toption address ''\n";

  expect(settingsOf(shipped).text).toBe(settingsOf(null).text);
});

test('folders, image and network that this machine has stay', () => {
  const present = `config mailserver 'main'
	option domain 'example.com'
	option data_path '/mnt/sd/mail'
	option container 'second'
	option image '/root/image.squashfs'
config network 'network'
	option address '10.0.0.25/24'
	list publish 'none'
`;
  const { main, network } = settingsOf(present);

  expect(main).toMatchObject({
    domain: 'example.test',
    dataPath: '/mnt/sd/mail',
    container: 'second',
  });
  expect(main?.image).toBe('/root/image.squashfs');
  expect(network).toMatchObject({ address: '10.0.0.25/24', vlan: null });
});
