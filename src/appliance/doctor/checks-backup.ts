// Checks that backups reach the peers, that the peers still have them, and that a trial restore works. They read what
// the commands of `mailctl mesh` have found: <data>/mesh/state.json.

import { readRecovery } from '../backup/recovery.ts';
import { formerFolders } from '../backup/restore.ts';
import { type BackupState, type PeerRecord, readBackupState } from '../backup/state.ts';
import type { Check, Report } from './context.ts';
import type { Finding } from './finding.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A proof is due daily, a trial restore weekly; a peer that is away for a night is no fault. */
const PROOF_LIMIT = 3 * DAY;
const TRIAL_LIMIT = 15 * DAY;
/** Pushes that may fail before it is a warning. */
const INTERVALS = 3;
const FULL = 0.9;

const ageOf = (time: string | null, now: Date): number =>
  time === null ? Number.POSITIVE_INFINITY : Math.max(0, now.getTime() - Date.parse(time));

const days = (age: number): string =>
  age === Number.POSITIVE_INFINITY ? 'never' : `${Math.floor(age / HOUR)} hours ago`;

interface Looked {
  readonly name: string;
  readonly peer: PeerRecord;
  readonly now: Date;
  /** Milliseconds. */
  readonly interval: number;
}

/** What is wrong with one peer, or null. */
export function peerProblem({ name, peer, now, interval }: Looked): string | null {
  const sinceAdded = ageOf(peer.since, now);
  const limit = Math.max(INTERVALS * interval, HOUR);
  const lag = Math.min(ageOf(peer.lastPush, now), sinceAdded);
  const reason = peer.problem === null ? '' : `: ${peer.problem}`;
  if (lag > limit) return `${name} got its last backup ${days(ageOf(peer.lastPush, now))}${reason}`;
  const proof = Math.min(ageOf(peer.lastProof, now), sinceAdded);
  if (proof > PROOF_LIMIT) {
    return `${name} proved that it has its backups ${days(ageOf(peer.lastProof, now))}${reason}`;
  }
  const { usedBytes, quotaBytes } = peer;
  if (usedBytes !== null && quotaBytes !== null && usedBytes > FULL * quotaBytes) {
    return `the space at ${name} is ${Math.floor((100 * usedBytes) / quotaBytes)} % full`;
  }
  return null;
}

function trialProblem({ verified, trialProblem: problem, last }: BackupState, now: Date) {
  if (problem !== null) return `the last trial restore failed: ${problem}`;
  if (last === null || verified !== null) {
    const age = ageOf(verified?.time ?? null, now);
    return verified !== null && age > TRIAL_LIMIT
      ? `the last trial restore was ${days(age)}`
      : null;
  }
  return null;
}

const peers: Check = {
  id: 'backup.peers',
  about: 'every peer has a recent backup and has proved that it keeps it',
  measured: 'the results of mesh sync and mesh verify',
  run: async ({ host, target: { settings, paths } }, report) => {
    const { enabled, backupPeers, syncInterval } = settings.mesh;
    if (!enabled) {
      return report('note', 'mesh.enabled is 0: there are no backups', {
        fix: 'mailctl mesh enable',
      });
    }
    if ((await readRecovery(host, paths)).current === null) {
      const fix = 'mailctl mesh enable';
      return report('error', 'there is no recovery key, so there are no backups', { fix });
    }
    if (backupPeers.length === 0) {
      const fix = 'mailctl mesh add-peer PEER';
      return report('warning', 'no peer keeps a backup: mesh.backup_peers is empty', { fix });
    }
    const state = await readBackupState(host, paths);
    const now = host.clock.now();
    const known = { now, interval: syncInterval * 1000 };
    return backupPeers.map((name) => checkPeer(report, { name, state, ...known }));
  },
};

function checkPeer(
  report: Report,
  { name, state, now, interval }: { name: string; state: BackupState; now: Date; interval: number },
): Finding {
  const peer = state.peers[name];
  if (peer === undefined) {
    const message = `${name} has not been asked yet`;
    return report('warning', message, { fix: 'mailctl mesh sync push' });
  }
  const problem = peerProblem({ name, peer, now, interval });
  if (problem === null) return report('ok', `${name} has a recent backup`);
  return report('error', problem, { fix: 'mailctl mesh sync push' });
}

const trial: Check = {
  id: 'backup.trial',
  about: 'the last weekly trial restore found every message',
  measured: 'the result of mesh verify',
  run: async ({ host, target: { settings, paths } }, report) => {
    if (!settings.mesh.enabled) return report('note', 'mesh.enabled is 0: there are no backups');
    const state = await readBackupState(host, paths);
    const problem = trialProblem(state, host.clock.now());
    if (problem !== null) return report('error', problem, { fix: 'mailctl mesh verify' });
    if (state.verified === null) return report('note', 'no trial restore yet');
    return report('ok', `the trial restore of ${state.verified.time} found every message`);
  },
};

const former: Check = {
  id: 'backup.former',
  about: 'nothing is left of data that a restore has replaced',
  measured: 'the folders before-restore-… in the data folder',
  run: async ({ host, target: { paths } }, report) => {
    const [folder] = await formerFolders(host, paths);
    if (folder === undefined) return report('ok', 'no restore has left anything');
    const message = `${folder} holds what a restore has replaced`;
    return report('note', message, { fix: 'mailctl mesh restore --discard-former' });
  },
};

export const BACKUP_CHECKS: readonly Check[] = [peers, trial, former];
