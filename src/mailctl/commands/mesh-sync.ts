// mailctl mesh backup, sync push, sync pull, archives: makes backups and brings them to the peers.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatBytes } from '../../appliance/settings/bytes.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { BackupReport } from '../../mesh/archive/backup.ts';
import type { Manifest } from '../../mesh/archive/manifest.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';
import { boxesOf } from '../mesh/listener-words.ts';
import { localBackups, makeBackup, makeBackupFile } from '../mesh/local-backups.ts';
import type { PeerResult } from '../mesh/push-peer.ts';
import { type SyncReport, syncPull, syncPush, withMeshLock } from '../mesh/sync.ts';
import { requireRootToLook } from '../root.ts';
import type { Ending } from '../statuses.ts';

const bytesIn = ({ archives }: Manifest): number =>
  archives.reduce((sum, { size }) => sum + size, 0);

/** The stable JSON shape of a backup. */
function summarizeBackup(manifest: Manifest) {
  const { sequence, time, counts, needs } = manifest;
  return {
    ...{ sequence, time, messages: counts.messages, files: counts.files, bytes: counts.bytes },
    ...{ new_bytes: bytesIn(manifest), left_out: counts.left_out, needs: needs.length },
  };
}

function describeBackup(manifest: Manifest): string {
  const { sequence, time, counts } = manifest;
  const when = time.replace('T', ' ').slice(0, 16);
  return `${sequence}  ${when}  ${counts.messages} messages, ${formatBytes(counts.bytes)}, ${formatBytes(bytesIn(manifest))} new`;
}

function warnLeftOut(app: App, { leftOut }: BackupReport): void {
  const shown = leftOut.slice(0, 10).map(({ path, reason }) => `${path}: ${reason}`);
  for (const one of shown) app.output.warn(`not in the backup: ${one}`);
  if (leftOut.length > shown.length) app.output.warn(`and ${leftOut.length - shown.length} more`);
}

export async function runBackup(app: App, { to }: { to?: string }): Promise<ExitStatus> {
  const { host, output } = app;
  const file = to === undefined ? null : resolve(to);
  return app.change({
    word: 'mesh backup',
    // backups have a lock of their own: accounts can be changed meanwhile
    unlocked: true,
    plan: async () => ({ would: [`make a backup${file === null ? '' : ` in ${file}`}`] }),
    apply: (target) => {
      const work = () =>
        file === null ? makeBackup(host, target) : makeBackupFile(host, target, file);
      return withMeshLock(host, target, { command: 'mailctl mesh backup', work });
    },
    report: (report, { settings }) => {
      const { made, manifest } = report;
      const text = made ? describeBackup(manifest) : 'nothing has changed since the last backup';
      output.result(text, { made, ...summarizeBackup(manifest), file });
      warnLeftOut(app, report);
      if (file === null && settings.mesh.backupPeers.length > 0)
        output.note('next: mailctl mesh sync push');
      return report.leftOut.length > 0 ? STATUS.PARTIAL : STATUS.OK;
    },
  });
}

function describeResult({ peer, files, bytes, removed, error, pushed }: PeerResult): string {
  if (error !== null) return `${peer}  ${error.message}`;
  if (pushed === null) return `${peer}  incomplete`;
  const sent = files === 0 ? 'up to date' : `${files} files, ${formatBytes(bytes)} sent`;
  return `${peer}  ${sent}${removed === 0 ? '' : `, ${removed} old files removed`}`;
}

function statusOf({ peers, backup }: SyncReport): ExitStatus {
  const failed = peers.filter(({ pushed }) => pushed === null);
  if (failed.length === 0) return backup.leftOut.length > 0 ? STATUS.PARTIAL : STATUS.OK;
  const away = failed.every(({ error }) => error?.code === 'PEER_AWAY');
  return away && failed.length === peers.length ? STATUS.TRY_AGAIN : STATUS.PARTIAL;
}

function reportSync(app: App, report: SyncReport): ExitStatus {
  const peers = report.peers.map(({ peer, files, bytes, removed, error, pushed }) => ({
    ...{ peer, complete: pushed !== null, files, bytes, removed },
    error: error === null ? null : { code: error.code, message: error.message },
  }));
  const { manifest, made } = report.backup;
  const lines = [describeBackup(manifest), ...report.peers.map(describeResult)];
  app.output.result(lines, { backup: { made, ...summarizeBackup(manifest) }, peers });
  warnLeftOut(app, report.backup);
  return statusOf(report);
}

function requirePeers(peers: readonly string[]): void {
  if (peers.length > 0) return;
  throw new MailctlError('PEER_UNKNOWN', 'this box has no peers', {
    hint: 'mailctl mesh add-peer <peer>',
  });
}

export async function runPush(app: App): Promise<ExitStatus> {
  return app.change({
    word: 'mesh sync push',
    unlocked: true,
    plan: async ({ settings }) => ({
      would: [
        'make a backup of what has changed',
        ...settings.mesh.backupPeers.map((peer) => `send it to ${peer}`),
      ],
    }),
    apply: async (target) => {
      requirePeers(target.settings.mesh.backupPeers);
      return syncPush(app.host, target);
    },
    report: (report) => reportSync(app, report),
  });
}

export async function runPull(app: App): Promise<ExitStatus> {
  return app.change({
    word: 'mesh sync pull',
    unlocked: true,
    plan: async ({ settings }) => ({
      would: [
        ...boxesOf(settings).map((peer) => `fetch what ${peer} offers`),
        'fetch archives that a peer lacks from the others',
      ],
    }),
    apply: async (target) => {
      requirePeers(target.settings.mesh.backupPeers);
      return syncPull(app.host, target);
    },
    report: ({ taken, fetched, lacking }) => {
      const own = fetched.length === 0 ? 'nothing to fetch' : `${fetched.length} archives fetched`;
      const lines = taken
        .filter(({ problem }) => problem === null)
        .map(({ peer, files, bytes }) => `${peer}: ${files} of its files fetched, ${bytes} bytes`);
      app.output.result([...lines, own], { taken, fetched, lacking });
      for (const { problem } of taken) if (problem !== null) app.output.warn(problem);
      if (fetched.length > 0) app.output.note('next: mailctl mesh sync push');
      if (lacking.length > 0) app.output.warn(`no peer has: ${lacking.join(', ')}`);
      const failed =
        lacking.length > 0 || taken.some(({ problem, away }) => problem !== null && !away);
      return failed ? STATUS.PARTIAL : STATUS.OK;
    },
  });
}

export async function runArchives(app: App): Promise<ExitStatus> {
  requireRootToLook(app);
  const backups = await localBackups(app.host, await app.appliance());
  const manifests = backups.map(({ manifest }) => manifest);
  app.output.result(manifests.map(describeBackup), { backups: manifests.map(summarizeBackup) });
  if (manifests.length === 0) app.output.note('no backup yet; next: mailctl mesh backup');
  return STATUS.OK;
}

const BACKUP_ENDS: readonly Ending[] = [
  ...([
    'LEFT_OUT_FILES',
    'RECOVERY_KEY_MISSING',
    'NOT_INSTALLED',
    'FILE_FAILED',
    'LOCKED',
  ] as const),
];

export function registerBackup(mesh: Command, line: CommandLine): void {
  const backup = mesh
    .command('backup')
    .description('back up what has changed since the last backup')
    .option('--to <file>', 'everything, in one file that needs no other');
  defineWord(backup, line, {
    kind: 'acts',
    run: runBackup,
    ends: BACKUP_ENDS,
    examples: ['mailctl mesh backup', 'mailctl mesh backup --to /mnt/usb/mail.backup'],
  });
  const archives = mesh.command('archives').description('list the backups of this box');
  defineWord(archives, line, {
    kind: 'looks',
    run: runArchives,
    ends: [],
    examples: ['mailctl mesh archives', 'mailctl mesh archives --json'],
  });
  const sync = mesh.command('sync').description('bring the backups to the peers');
  const push = sync.command('push').description('back up, and send to every peer what it lacks');
  defineWord(push, line, {
    kind: 'acts',
    run: runPush,
    ends: [...BACKUP_ENDS, 'PEER_UNKNOWN', 'PEER_AWAY'],
    examples: ['mailctl mesh sync push', 'mailctl mesh sync push --json'],
  });
  const pull = sync
    .command('pull')
    .description('hold copies for the peers, and fetch archives that one peer lacks from another');
  defineWord(pull, line, {
    kind: 'acts',
    run: runPull,
    ends: ['PEER_UNKNOWN', 'LOCKED'],
    examples: ['mailctl mesh sync pull', 'mailctl mesh sync pull --json'],
  });
  describeGroup(sync, { examples: ['mailctl mesh sync push', 'mailctl mesh sync pull'] });
}
