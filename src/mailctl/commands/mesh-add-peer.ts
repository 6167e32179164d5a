// mailctl mesh add-peer, remove-peer: who keeps the backups of this box, and whose backups it keeps.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { PEERS, type PeerDetails, type Peers, readPeers } from '../../appliance/backup/peers.ts';
import { BACKUP_STATE } from '../../appliance/backup/state.ts';
import { openState } from '../../appliance/container/state-file.ts';
import { assignOptions } from '../../appliance/settings/assign.ts';
import { editUciFile } from '../../appliance/settings/uci-file.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import { ensureIdentity } from '../../mesh/own-identity.ts';
import { prepareFolder } from '../../mesh/peers/folder-store.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { followPeers } from '../mesh/listener.ts';
import { addPeerOptions, detailsOf, type PeerOptions } from '../mesh/peer-options.ts';
import { BUCKET, FOLDER, openStoreWith, ownerOf, parseReference } from '../mesh/stores.ts';
import { wakeScheduler } from '../scheduler.ts';

function usage(message: string, hint: string): never {
  throw new MailctlError('USAGE', message, { hint });
}

/** Throws USAGE for options that do not belong to this kind of peer. */
function checkOptions(reference: string, options: PeerOptions): void {
  const isBucket = reference.startsWith(BUCKET);
  const isBox = !isBucket && !reference.startsWith(FOLDER);
  const wrong = [
    ...(isBox ? [] : (['address', 'quota'] as const)),
    ...(isBucket ? [] : (['endpoint', 'region', 'credentials'] as const)),
  ].find((name) => options[name] !== undefined);
  if (wrong !== undefined)
    usage(`--${wrong} is not for ${reference}`, 'mailctl mesh add-peer --help');
  if (isBucket && options.credentials === undefined)
    usage(`${reference} needs --credentials FILE`, 'mailctl mesh add-peer --help');
}

async function writePeers(
  app: App,
  target: Appliance,
  change: (peers: Peers) => Peers,
): Promise<void> {
  const open = await openState(app.host, target.paths, PEERS);
  await open.write(change(open.current));
}

/** Adds the peer to mesh.backup_peers, or removes it. */
async function listPeer(
  app: App,
  target: Appliance,
  { reference, how }: { reference: string; how: 'add' | 'remove' },
) {
  const { uciFile } = target.paths;
  return editUciFile(app.host, uciFile, (text) =>
    assignOptions(text ?? '', uciFile, [{ option: 'mesh.backup_peers', how, values: [reference] }]),
  );
}

/** Why the peer cannot be used yet; null when it answers. */
async function tryPeer(
  app: App,
  target: Appliance,
  { reference, details }: { reference: string; details: PeerDetails },
) {
  const { host } = app;
  const identity = await ensureIdentity(host, target.paths.mesh);
  if (reference.startsWith(FOLDER)) {
    const folder = reference.slice(FOLDER.length);
    if ((await host.files.stat(folder))?.kind !== 'directory')
      usage(`${folder} is not a folder`, 'mount the disk, or make the folder first');
    await prepareFolder(host, folder, identity.peerId);
  }
  try {
    const store = await openStoreWith(host, target, {
      reference,
      details,
      owner: ownerOf(identity),
    });
    await store.list();
    return null;
  } catch (error) {
    if (error instanceof MailctlError) return error;
    throw error;
  }
}

export async function runAdd(app: App, text: string, options: PeerOptions): Promise<ExitStatus> {
  const reference = parseReference(text);
  checkOptions(reference, options);
  const { host } = app;
  return app.change({
    word: 'mesh add-peer',
    plan: async () => ({ would: [`add the peer ${reference}`] }),
    apply: async (target) => {
      const before = (await readPeers(host, target.paths))[reference];
      const known = { now: host.clock.now(), port: target.settings.mesh.port };
      const details = detailsOf(options, before, known);
      const problem = await tryPeer(app, target, { reference, details });
      await writePeers(app, target, (peers) => ({ ...peers, [reference]: details }));
      await listPeer(app, target, { reference, how: 'add' });
      await followPeers(host, await app.appliance());
      wakeScheduler(app, target);
      return { problem };
    },
    report: ({ problem }, { settings }) => {
      app.output.result(`added ${reference}`, { peer: reference, answers: problem === null });
      if (problem !== null)
        app.output.warn(`${problem.message}${problem.hint ? `; ${problem.hint}` : ''}`);
      if (!settings.mesh.enabled) app.output.note('next: mailctl mesh enable');
      return STATUS.OK;
    },
  });
}

async function requireListed(target: Appliance, reference: string): Promise<void> {
  if (target.settings.mesh.backupPeers.includes(reference)) return;
  throw new MailctlError('PEER_UNKNOWN', `${reference} is not a peer of this box`, {
    hint: 'mailctl mesh peers',
  });
}

export async function runRemove(app: App, text: string): Promise<ExitStatus> {
  const { host } = app;
  // as the UCI file has it, also where it is no reference
  const reference = text.includes('://') ? parseReference(text) : text.toLowerCase();
  await requireListed(await app.appliance(), reference);
  await app.confirm(
    `Send no more backups to ${reference}, and accept none from there? What it has stays there.`,
  );
  return app.change({
    word: 'mesh remove-peer',
    plan: async () => ({ would: [`remove the peer ${reference}`] }),
    apply: async (target) => {
      await requireListed(target, reference);
      await listPeer(app, target, { reference, how: 'remove' });
      await writePeers(app, target, ({ [reference]: _, ...others }) => others);
      const state = await openState(host, target.paths, BACKUP_STATE);
      const { [reference]: _, ...peers } = state.current.peers;
      await state.write({ ...state.current, peers });
      await followPeers(host, await app.appliance());
      wakeScheduler(app, target);
    },
    report: () => {
      app.output.result(`removed ${reference}`, { peer: reference });
      return STATUS.OK;
    },
  });
}

export function registerAddPeer(mesh: Command, line: CommandLine): void {
  const add = addPeerOptions(mesh.command('add-peer <peer>'))
    .description(
      'add a box, a folder or a bucket that keeps backups; repeated, it changes the options',
    )
    .option('--quota <size>', 'space for its backups here (default: mesh.quota)')
    .option('--rate <size>', 'bytes a second that are sent to it (default: no limit)');
  defineWord(add, line, {
    kind: 'changes',
    run: runAdd,
    ends: ['USAGE', 'DATA_INVALID', 'HOST_UNFIT'],
    examples: [
      'mailctl mesh add-peer 3f9a…c1 --address 192.0.2.7',
      'mailctl mesh add-peer file:///mnt/usb/mail',
    ],
    more: `A peer is
  the id of another box, as "mailctl mesh id" prints it there; both boxes must add each other
  file:///FOLDER   a folder, such as a disk on the USB port
  s3://BUCKET/PREFIX   an object store, with --credentials FILE: aws_access_key_id=… and aws_secret_access_key=…`,
  });
  const remove = mesh.command('remove-peer <peer>').description('send no more backups there');
  defineWord(remove, line, {
    kind: 'changes',
    run: runRemove,
    ends: ['USAGE', 'NOT_CONFIRMED', 'PEER_UNKNOWN'],
    examples: [
      'mailctl mesh remove-peer file:///mnt/usb/mail',
      'mailctl mesh remove-peer 3f9a…c1 --yes',
    ],
  });
}
