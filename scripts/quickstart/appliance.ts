// The quickstart's mail server: its UCI file, folder and two users. Idempotent: a second start reuses them.

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { useRoot } from '../../test/system/lab/resolver.ts';
import { ensureImage } from '../image.ts';
import { capture } from '../programs.ts';
import { ADDRESS, BINARY, BRIDGE, FOLDER, OUTSIDE_ADDRESS, WEB_ADDRESS } from './places.ts';
import { connectWorld, type World } from './world.ts';

export const USERS = ['alice@example.test', 'bob@example.test'] as const;

const CONFIG = `${FOLDER}/mailserver`;
const PASSWORDS = `${FOLDER}/passwords`;

export type Passwords = Record<string, string>;

export const runMailctl = (words: string[], stdin = ''): Promise<string> =>
  capture([BINARY, '--config', CONFIG, ...words], stdin);

/** Installs and starts the server, connects the outside world, adds both users. Returns their passwords. */
export async function installAppliance(
  world: World,
  say: (line: string) => void,
): Promise<Passwords> {
  say('container image: the first build takes about two minutes');
  const image = await ensureImage();
  await mkdir(`${FOLDER}/lxc`, { recursive: true });
  if (!(await Bun.file(CONFIG).exists())) {
    await writeFile(CONFIG, configuration(image));
    await useRoot(`${FOLDER}/data`, world.dns);
  }
  say('mailctl install');
  await Promise.all([runMailctl(['install']), connectWorld()]);
  const passwords = await readPasswords();
  const present = JSON.parse(await runMailctl(['user', 'list', '--json'])) as {
    mailboxes: { address: string }[];
  };
  for (const user of USERS) {
    if (present.mailboxes.some(({ address }) => address === user)) continue;
    say(`mailctl user add ${user}`);
    await runMailctl(['user', 'add', user, '--password-stdin'], passwords[user]);
  }
  say('mailctl webmail install');
  await runMailctl(['webmail', 'install', '--image', await ensureImage('web')]);
  return passwords;
}

async function readPasswords(): Promise<Passwords> {
  const text = await readFile(PASSWORDS, 'utf8').catch(() => '');
  const known: Passwords = Object.fromEntries(
    text.split('\n').flatMap((line) => (line === '' ? [] : [line.split(' ', 2)])),
  );
  for (const user of USERS) known[user] ??= randomBytes(12).toString('base64url');
  const lines = Object.entries(known).map(([user, password]) => `${user} ${password}\n`);
  await writeFile(PASSWORDS, lines.join(''), { mode: 0o600 });
  await chmod(PASSWORDS, 0o600);
  return known;
}

const configuration = (
  image: string,
): string => `# The mail server of npm start; after a change: mailctl apply

config mailserver 'main'
	option enabled '1'
	option hostname 'mail'
	option domain 'example.test'
	option data_path '${FOLDER}/data'
	option lxc_path '${FOLDER}/lxc'
	option container 'mailserver-quickstart'
	option image '${image}'

config network 'network'
	option bridge '${BRIDGE}'
	option address '${ADDRESS}/24'
	# to make it reachable from other machines: list publish '*'
	list publish 'none'
	# the outside world is on the container's own bridge, which is closed to it otherwise
	list egress '${OUTSIDE_ADDRESS}:25'
	list egress '${OUTSIDE_ADDRESS}:53'
	list egress '${OUTSIDE_ADDRESS}:53/udp'

config web 'web'
	option address '${WEB_ADDRESS}/24'

config webmail 'webmail'
	option container 'mailserver-quickstart-web'

config ssl 'ssl'
	option type 'selfsigned'

# resolver of the outside world, which is a namespace: ${OUTSIDE_ADDRESS}
`;
