// mailctl mesh enable, disable, rotate-key, id: whether there are backups, and who can read them.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { readPeers } from '../../appliance/backup/peers.ts';
import { RECOVERY, readRecovery, requireRecipient } from '../../appliance/backup/recovery.ts';
import { SECRET_FILE } from '../../appliance/container/modes.ts';
import { openState } from '../../appliance/container/state-file.ts';
import { switchSection } from '../../appliance/settings/uci-file.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import { type AgeKey, generateAgeKey } from '../../host/age-key.ts';
import { ensureIdentity, requireIdentity } from '../../mesh/own-identity.ts';
import { formatRecoveryKey, isTypedBack, TYPED_BACK } from '../../mesh/recovery-key.ts';
import { formatSheet, qrLines } from '../../mesh/recovery-sheet.ts';
import { restoreKeyOf } from '../../mesh/restore-key.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { requireRootToLook } from '../root.ts';
import { wakeScheduler } from '../scheduler.ts';
import type { Ending } from '../statuses.ts';
import { askLine } from '../terminal.ts';

interface KeyOptions {
  readonly keySaved?: boolean;
  readonly sheet?: string;
}

const ATTEMPTS = 3;

const SAVE_IT = [
  'This is the recovery key. It opens every backup, and nothing else does. It is shown this once and stored',
  'nowhere on this machine: write it down, take a picture of the code, or print the sheet (--sheet FILE).',
];

async function writeSheet(app: App, target: Appliance, key: AgeKey, file: string): Promise<void> {
  const { host } = app;
  const { peerId } = await ensureIdentity(host, target.paths.mesh);
  const peers = Object.entries(await readPeers(host, target.paths)).map(([peer, { addresses }]) =>
    [peer, ...addresses.map((address) => `--address ${address}`)].join(' '),
  );
  const { hostname } = target.settings.main;
  const sheet = { identity: key.identity, hostname, peerId, peers, date: host.clock.now() };
  await host.files.replace(resolve(file), formatSheet(sheet), { mode: SECRET_FILE });
  app.output.note(`the sheet is in ${resolve(file)}: print it, then delete it`);
}

/** Throws NO_TERMINAL without --key-saved, before the key is shown: one that is not kept would be lost. */
function requireSaver({ keySaved }: KeyOptions): void {
  if (keySaved || process.stdin.isTTY) return;
  const message = 'there is no terminal on which a part of the recovery key could be typed back';
  throw new MailctlError('NO_TERMINAL', message, {
    hint: 'repeat with --key-saved, and keep the key that is printed',
  });
}

/** Shows the key on the terminal and waits until its end has been typed. Throws NOT_CONFIRMED. */
async function requireTypedBack(app: App, { identity }: AgeKey): Promise<void> {
  const lines = [...SAVE_IT, '', `  ${formatRecoveryKey(identity)}`, ...qrLines(identity), ''];
  process.stderr.write(`${lines.join('\n')}\n`);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const typed = await askLine(`Type ${TYPED_BACK} of the key that you have saved: `);
    if (isTypedBack(identity, typed)) return;
    app.output.warn('these are not the last characters of the key');
  }
  throw new MailctlError(
    'NOT_CONFIRMED',
    'the recovery key was not typed back; nothing was changed',
  );
}

/** A new key, shown and typed back; with --key-saved the result shows it. */
async function makeKey(app: App, target: Appliance, options: KeyOptions): Promise<AgeKey> {
  requireSaver(options);
  const key = await generateAgeKey();
  if (options.sheet !== undefined) await writeSheet(app, target, key, options.sheet);
  if (!options.keySaved) await requireTypedBack(app, key);
  return key;
}

async function store({ host }: App, { paths }: Appliance, { identity, recipient }: AgeKey) {
  const open = await openState(host, paths, RECOVERY);
  const { current, former } = open.current;
  const since = host.clock.now().toISOString();
  await open.write({
    current: { recipient, restoreKey: restoreKeyOf(identity), since },
    former: current === null ? former : [current, ...former],
  });
}

/** The key for the result, where it has not been shown on the terminal. */
const shownKey = (key: AgeKey | null, { keySaved }: KeyOptions) =>
  key !== null && keySaved ? { recovery_key: key.identity } : {};

export async function runEnable(app: App, options: KeyOptions): Promise<ExitStatus> {
  requireRootToLook(app);
  const { host } = app;
  const present = await app.appliance();
  const hasKey = (await readRecovery(host, present.paths)).current !== null;
  const key = hasKey || app.options.dryRun ? null : await makeKey(app, present, options);
  return app.change({
    word: 'mesh enable',
    plan: async ({ settings }) => ({
      would: [
        ...(hasKey ? [] : ['make the recovery key and the identity of this box']),
        ...(settings.mesh.enabled ? [] : ['set mesh.enabled to 1']),
      ],
    }),
    apply: async (target) => {
      const { peerId } = await ensureIdentity(host, target.paths.mesh);
      if (key !== null) await store(app, target, key);
      const wanted = { settings: target.settings, section: 'mesh' as const, on: true };
      const news = await switchSection(host, target.paths.uciFile, wanted);
      wakeScheduler(app, target);
      return { news: news || key !== null, peerId };
    },
    report: ({ news, peerId }, { settings }) => {
      const lines = [
        news ? 'backups are on' : 'backups are on already',
        `peer id: ${peerId}`,
        ...(key !== null && options.keySaved
          ? [`recovery key: ${formatRecoveryKey(key.identity)}`]
          : []),
      ];
      app.output.result(lines, { enabled: true, peer_id: peerId, ...shownKey(key, options) });
      if (settings.mesh.backupPeers.length === 0) {
        app.output.note('no peer keeps a backup yet; next: mailctl mesh add-peer <peer>');
      }
      return STATUS.OK;
    },
  });
}

export async function runDisable(app: App): Promise<ExitStatus> {
  return app.change({
    word: 'mesh disable',
    apply: async (target) => {
      const { settings, paths } = target;
      const wanted = { settings, section: 'mesh' as const, on: false };
      const news = await switchSection(app.host, paths.uciFile, wanted);
      if (news) wakeScheduler(app, target);
      return news;
    },
    report: (news) => {
      const text = news
        ? 'backups are off; what peers have stays there'
        : 'backups are off already';
      app.output.result(text, { enabled: false });
      return STATUS.OK;
    },
  });
}

export async function runRotateKey(app: App, options: KeyOptions): Promise<ExitStatus> {
  requireRootToLook(app);
  const present = await app.appliance();
  await requireRecipient(app.host, present.paths);
  const key = app.options.dryRun ? null : await makeKey(app, present, options);
  return app.change({
    word: 'mesh rotate-key',
    plan: async () => ({ would: ['encrypt backups from now on to a new recovery key'] }),
    apply: async (target) => {
      if (key !== null) await store(app, target, key);
      wakeScheduler(app, target);
    },
    report: () => {
      const lines = ['the next backup is a full one, to the new key'];
      if (key !== null && options.keySaved)
        lines.push(`recovery key: ${formatRecoveryKey(key.identity)}`);
      app.output.result(lines, { rotated: true, ...shownKey(key, options) });
      app.output.note('keep the former key: older backups open with it alone');
      return STATUS.OK;
    },
  });
}

export async function runId(app: App): Promise<ExitStatus> {
  requireRootToLook(app);
  const { paths } = await app.appliance();
  const { peerId } = await requireIdentity(app.host, paths.mesh);
  app.output.result(peerId, { peer_id: peerId });
  return STATUS.OK;
}

const KEY_ENDS: readonly Ending[] = ['NO_TERMINAL', 'NOT_CONFIRMED', 'DATA_INVALID', 'FILE_FAILED'];

function addKeyOptions(command: Command): Command {
  return command
    .option('--key-saved', 'print the recovery key and do not ask for a part of it')
    .option('--sheet <file>', 'write a page with the recovery key, to be printed and deleted');
}

export function registerEnable(mesh: Command, line: CommandLine): void {
  const enable = addKeyOptions(
    mesh
      .command('enable')
      .description('make the recovery key, show it once, and begin with backups'),
  );
  defineWord(enable, line, {
    kind: 'changes',
    run: runEnable,
    ends: KEY_ENDS,
    examples: ['mailctl mesh enable', 'mailctl mesh enable --sheet /tmp/recovery.html'],
  });
  const disable = mesh
    .command('disable')
    .description('no backups any more; peers keep what they have');
  defineWord(disable, line, {
    kind: 'changes',
    run: runDisable,
    ends: [],
    examples: ['mailctl mesh disable', 'mailctl mesh disable --dry-run'],
  });
  const rotate = addKeyOptions(
    mesh
      .command('rotate-key')
      .description('make a new recovery key; older backups keep the former one'),
  );
  defineWord(rotate, line, {
    kind: 'changes',
    run: runRotateKey,
    ends: [...KEY_ENDS, 'RECOVERY_KEY_MISSING'],
    examples: ['mailctl mesh rotate-key', 'mailctl mesh rotate-key --sheet /tmp/recovery.html'],
  });
  const id = mesh.command('id').description('print the id by which peers know this box');
  defineWord(id, line, {
    kind: 'looks',
    run: runId,
    ends: ['NOT_INSTALLED'],
    examples: ['mailctl mesh id', 'mailctl mesh id --json'],
  });
}
