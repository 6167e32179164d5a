// npm start: runs a mail server on this machine from .quickstart/ and tests it with real messages.
// npm run stop stops it, npm run clean removes it.

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { must } from './programs.ts';
import { installAppliance, runMailctl, USERS } from './quickstart/appliance.ts';
import { proveBackup, removePeer } from './quickstart/mesh.ts';
import { ADDRESS, BINARY, FOLDER, WEB_ADDRESS } from './quickstart/places.ts';
import { proveMail } from './quickstart/proof.ts';
import { endWorld, startWorld } from './quickstart/world.ts';

async function start(): Promise<void> {
  await build();
  say('starting DNS and an outside mail server in a network namespace');
  const world = await startWorld();
  const passwords = await installAppliance(world, say);
  await proveMail({ world, passwords, say });
  await proveBackup(passwords, say);
  console.log(GOODBYE);
}

async function stop(): Promise<void> {
  await endWorld();
  if (!existsSync(FOLDER)) return say('nothing to stop: .quickstart/ does not exist');
  if (!existsSync(BINARY)) await build();
  await runMailctl(['stop']);
  say('stopped; npm start starts it again, npm run clean removes everything');
}

async function clean(): Promise<void> {
  await endWorld();
  if (!existsSync(FOLDER)) return say('nothing to remove: .quickstart/ does not exist');
  if (!existsSync(BINARY)) await build();
  await runMailctl(['uninstall', '--yes']);
  await rm(FOLDER, { recursive: true, force: true });
  await removePeer();
  say('removed .quickstart/, the container and its network');
}

const build = () => must([process.execPath, 'scripts/build.ts']);

const say = (line: string): void => console.log(`- ${line}`);

const GOODBYE = `
The mail server runs on ${ADDRESS}, reachable from this machine:
  webmail https://${WEB_ADDRESS}/ in a browser of this machine
  IMAP 993 (TLS) or 143 (STARTTLS), POP3 995 or 110, submission 465 (TLS) or 587 (STARTTLS), ManageSieve 4190
  users ${USERS.join(' and ')}; passwords in .quickstart/passwords
  backups on a second box in /var/tmp/mailserver-quickstart; recovery key in .quickstart/recovery.key
  certificate: self-signed; a mail program or browser asks once whether to trust it

Try next:
  alias mailctl='${BINARY} --config ${FOLDER}/mailserver'
  mailctl status
  mailctl user add carol@example.test --generate
  mailctl logs 20
  mailctl mesh status
  mailctl test ${USERS[0]}

npm run stop stops it, npm run clean removes it. No traffic leaves this machine: the outside world is a namespace.
`;

const WORDS: Record<string, () => Promise<void>> = { start, stop, clean };
const word = WORDS[process.argv[2] ?? 'start'];
if (word === undefined)
  throw new Error(`unknown subcommand ${process.argv[2]}: expected start, stop or clean`);
if (process.geteuid?.() !== 0) {
  console.error('error: containers and namespaces need root\nhint: sudo npm start');
  process.exit(77);
}
try {
  await word();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
process.exit(0);
