// mailctl mesh status: the last backup, what each peer has, and whether a restore was tried.

import type { Command } from 'commander';
import { readPeers } from '../../appliance/backup/peers.ts';
import { readRecovery } from '../../appliance/backup/recovery.ts';
import { type BackupState, readBackupState } from '../../appliance/backup/state.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import { readIdentity } from '../../mesh/own-identity.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { requireRootToLook } from '../root.ts';
import { describePeer, summarizePeers } from './mesh-peers.ts';

function describeTrial({ verified, trialProblem }: BackupState): string {
  if (trialProblem !== null) return `failed: ${trialProblem}`;
  return verified === null ? 'none yet' : `backup ${verified.sequence}, ${verified.time}`;
}

export async function runStatus(app: App): Promise<ExitStatus> {
  requireRootToLook(app);
  const { host, output } = app;
  const target = await app.appliance();
  const { paths, settings } = target;
  const { current } = await readRecovery(host, paths);
  const identity = await readIdentity(host, paths.mesh);
  const state = await readBackupState(host, paths);
  const peers = await readPeers(host, paths);
  const now = host.clock.now();
  const { enabled, backupPeers } = settings.mesh;
  const rows = [
    ['backups', enabled ? 'on' : 'off'],
    ['peer id', identity?.peerId ?? 'none yet'],
    ['recovery key', current === null ? 'none yet' : `since ${current.since}`],
    [
      'last backup',
      state.last === null ? 'none yet' : `${state.last.sequence}, ${state.last.time}`,
    ],
    ['trial', describeTrial(state)],
  ] as const;
  const lines = [
    ...rows.map(([name, value]) => `${name.padEnd(13)} ${value}`),
    ...backupPeers.map((name) => `peer          ${describePeer(name, state.peers[name], now)}`),
  ];
  output.result(lines, {
    enabled,
    peer_id: identity?.peerId ?? null,
    recovery_key_since: current?.since ?? null,
    ...{ last: state.last, verified: state.verified, trial_problem: state.trialProblem },
    peers: summarizePeers(target, peers, state.peers),
  });
  if (!enabled) output.note('next: mailctl mesh enable');
  return STATUS.OK;
}

export function registerStatus(mesh: Command, line: CommandLine): void {
  const status = mesh
    .command('status')
    .description('show the last backup, what each peer has, and the last trial restore');
  defineWord(status, line, {
    kind: 'looks',
    run: runStatus,
    ends: ['DATA_INVALID'],
    examples: ['mailctl mesh status', 'mailctl mesh status --json'],
  });
}
