// mailctl mesh peers: who keeps the backups of this box.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { type Peers, readPeers } from '../../appliance/backup/peers.ts';
import { type PeerRecord, readBackupState, summarizePeer } from '../../appliance/backup/state.ts';
import { formatBytes } from '../../appliance/settings/bytes.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { formatSpan } from '../figures.ts';
import { requireRootToLook } from '../root.ts';

const sinceText = (time: string | null, now: Date): string =>
  time === null ? 'never' : `${formatSpan((now.getTime() - Date.parse(time)) / 1000)} ago`;

/** One line for each peer. */
export function describePeer(name: string, peer: PeerRecord | undefined, now: Date): string {
  if (peer === undefined) return `${name}  not asked yet`;
  const { lastPush, lastProof, usedBytes, quotaBytes, problem } = peer;
  const quota = quotaBytes === null ? '' : ` of ${formatBytes(quotaBytes)}`;
  const parts = [
    `backup ${sinceText(lastPush, now)}`,
    `proof ${sinceText(lastProof, now)}`,
    ...(usedBytes === null ? [] : [`${formatBytes(usedBytes)}${quota}`]),
    ...(problem === null ? [] : [problem]),
  ];
  return `${name}  ${parts.join(', ')}`;
}

/** The stable JSON shape of a peer. */
export function summarizePeers(
  target: Appliance,
  peers: Peers,
  records: Readonly<Record<string, PeerRecord>>,
) {
  return target.settings.mesh.backupPeers.map((peer) => {
    const record = records[peer];
    return {
      peer,
      addresses: peers[peer]?.addresses ?? [],
      state: record === undefined ? null : summarizePeer(record),
    };
  });
}

export async function runPeers(app: App): Promise<ExitStatus> {
  requireRootToLook(app);
  const { host, output } = app;
  const target = await app.appliance();
  const { peers } = await readBackupState(host, target.paths);
  const known = await readPeers(host, target.paths);
  const { backupPeers } = target.settings.mesh;
  const now = host.clock.now();
  const lines = backupPeers.map((name) => describePeer(name, peers[name], now));
  output.result(lines, { peers: summarizePeers(target, known, peers) });
  if (backupPeers.length === 0) output.note('no peers; next: mailctl mesh add-peer <peer>');
  return STATUS.OK;
}

export function registerPeers(mesh: Command, line: CommandLine): void {
  const peers = mesh.command('peers').description('list the peers that keep backups of this box');
  defineWord(peers, line, {
    kind: 'looks',
    run: runPeers,
    ends: ['DATA_INVALID'],
    examples: ['mailctl mesh peers', 'mailctl mesh peers --json'],
  });
}
