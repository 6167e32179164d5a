// A second small box as a peer: it keeps an encrypted backup of the mail server, over HTTPS, and one message is restored from
// there. It lives in the namespace of the outside world, below a root folder of its own.

import { mkdir, writeFile } from 'node:fs/promises';
import { openImap } from '../../test/system/clients/imap.ts';
import { run, startInBackground, waitFor } from '../../test/system/lab/programs.ts';
import { must } from '../programs.ts';
import { type Passwords, runMailctl, USERS } from './appliance.ts';
import { ADDRESS, BINARY, FOLDER, OUTSIDE_ADDRESS, PEER_FOLDER } from './places.ts';
import { connect } from './proof.ts';
import { onOutside } from './world.ts';

const KEY = `${FOLDER}/recovery.key`;
const PORT = '7332';

/** Files of its `/etc` with their first lines; the user of its listener is added there. */
const USERS_OF_PEER = {
  passwd: 'root:x:0:0:root:/root:/bin/sh',
  group: 'root:x:0:',
  shadow: 'root:*:20000::::::',
  gshadow: 'root:*::',
};

const inPeer = (words: readonly string[]): string[] =>
  onOutside(['env', `MAILCTL_ROOT=${PEER_FOLDER}`, BINARY, ...words]);

async function peer(...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(inPeer(words), { timeout: 60_000 });
  if (status !== 0) throw new Error(`the second box: mailctl ${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** Its UCI file, and a passwd of its own, so that this machine gets no user. */
async function preparePeer(): Promise<void> {
  const mail = `${PEER_FOLDER}/srv/mailserver/mail`;
  for (const folder of [`${PEER_FOLDER}/etc/config`, mail])
    await mkdir(folder, { recursive: true });
  const uci = "config mailserver 'main'\n\toption domain 'second.test'\n";
  await writeFile(`${PEER_FOLDER}/etc/config/mailserver`, uci, { flag: 'wx' }).catch(
    () => undefined,
  );
  for (const [name, root] of Object.entries(USERS_OF_PEER)) {
    const file = Bun.file(`${PEER_FOLDER}/etc/${name}`);
    if (!(await file.exists())) await Bun.write(file, `${root}\n`);
  }
}

async function listen(): Promise<void> {
  // the listener ends with its standard input
  const command = ['sh', '-c', 'tail -f /dev/null | "$@"', 'sh'];
  const words = ['env', `MAILCTL_ROOT=${PEER_FOLDER}`, BINARY, 'mesh', 'listen', '--port', PORT];
  startInBackground(onOutside([...command, ...words]), `${PEER_FOLDER}/log`);
  await waitFor('the second box to listen', async () => {
    const { stdout } = await run(onOutside(['ss', '-Hltn', `sport = :${PORT}`]));
    return stdout.includes(PORT) ? true : undefined;
  });
}

/** Makes both boxes peers; a second start finds them so. */
async function introduce(): Promise<void> {
  // this machine answers nobody
  await runMailctl(['set', 'mesh.listen', 'none']);
  const enabled = JSON.parse(await runMailctl(['mesh', 'enable', '--key-saved', '--json']));
  if (enabled.recovery_key !== undefined) {
    await writeFile(KEY, `${enabled.recovery_key}\n`, { mode: 0o600 });
  }
  await preparePeer();
  const { peer_id } = JSON.parse(await peer('mesh', 'enable', '--key-saved', '--json'));
  await peer('mesh', 'add-peer', enabled.peer_id);
  await listen();
  await runMailctl(['mesh', 'add-peer', peer_id, '--address', `${OUTSIDE_ADDRESS}:${PORT}`]);
}

/** Backs up, deletes a message of bob for good, and restores it. */
export async function proveBackup(
  passwords: Passwords,
  say: (line: string) => void,
): Promise<void> {
  const [, bob] = USERS;
  say('a second box in the namespace of the outside world becomes a peer');
  await introduce();
  await runMailctl(['mesh', 'sync', 'push']);
  say('an encrypted backup is on the second box');
  const imap = await openImap(connect, { host: ADDRESS, port: 993, tls: true });
  await imap.login(bob, passwords[bob] ?? '');
  const [message] = (await imap.messages('INBOX')).toReversed();
  const id = /^message-id:\s*(<[^>]+>)/im.exec(message ?? '')?.[1];
  if (id === undefined) throw new Error(`no message of ${bob} has a Message-ID`);
  await imap.ok('SELECT INBOX');
  await imap.ok('STORE * +FLAGS (\\Deleted)');
  await imap.ok('EXPUNGE');
  say(`${bob} has deleted a message`);
  const words = ['mesh', 'restore', '--user', bob, '--message', id, '--key-file', KEY];
  await runMailctl(words);
  await waitFor('the message to be back', async () =>
    (await imap.messages('INBOX')).find((one) => one.includes(id)),
  );
  imap.close();
  say('it is back from the backup');
}

export async function removePeer(): Promise<void> {
  await must(['rm', '-rf', PEER_FOLDER]);
}
