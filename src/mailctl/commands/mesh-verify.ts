// mailctl mesh verify: peers prove that they have the backups, and a trial restore that backups can be read.

import type { Command } from 'commander';
import { formatBytes } from '../../appliance/settings/bytes.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { type Proof, provePeers } from '../mesh/prove.ts';
import { type Trial, tryRestore } from '../mesh/trial.ts';

interface VerifyOptions {
  readonly proofs?: boolean;
  readonly trial?: boolean;
}

function describeProof({ peer, archive, error }: Proof): string {
  if (error !== null) return `${peer}  ${error.message}`;
  return archive === null ? `${peer}  has no backup yet` : `${peer}  has proved ${archive}`;
}

function describeTrial({ messages, files, bytes, mailbox }: Trial): string {
  const opened = mailbox === null ? 'no mailbox to open with Dovecot' : `Dovecot opened ${mailbox}`;
  return `trial restore: ${messages} messages and ${files} files, ${formatBytes(bytes)}, all as stored; ${opened}`;
}

function statusOf(proofs: readonly Proof[]): ExitStatus {
  const failed = proofs.filter(({ error }) => error !== null);
  if (failed.length === 0) return STATUS.OK;
  return failed.every(({ error }) => error?.code === 'PEER_AWAY')
    ? STATUS.TRY_AGAIN
    : STATUS.PARTIAL;
}

export async function runVerify(app: App, options: VerifyOptions): Promise<ExitStatus> {
  const { host, output } = app;
  const both = !options.proofs && !options.trial;
  const [wantsProofs, wantsTrial] = [both || options.proofs, both || options.trial];
  return app.change({
    word: 'mesh verify',
    unlocked: true,
    plan: async ({ settings }) => ({
      would: [
        ...(wantsProofs ? settings.mesh.backupPeers.map((peer) => `ask ${peer} for a proof`) : []),
        ...(wantsTrial ? ['make a complete backup, and restore it in a scratch folder'] : []),
      ],
    }),
    apply: async (target) => ({
      proofs: wantsProofs ? await provePeers(host, target) : [],
      trial: wantsTrial ? await tryRestore(host, target) : null,
    }),
    report: ({ proofs, trial }) => {
      const lines = [
        ...proofs.map(describeProof),
        ...(trial === null ? [] : [describeTrial(trial)]),
      ];
      output.result(lines.length === 0 ? 'this box has no peers' : lines, {
        peers: proofs.map(({ peer, archive, error }) => ({
          ...{ peer, archive },
          error: error === null ? null : { code: error.code, message: error.message },
        })),
        trial,
      });
      return statusOf(proofs);
    },
  });
}

export function registerVerify(mesh: Command, line: CommandLine): void {
  const verify = mesh
    .command('verify')
    .description('ask every peer for a proof, and try a restore in a scratch folder')
    .option('--proofs', 'only the proofs')
    .option('--trial', 'only the trial restore');
  defineWord(verify, line, {
    kind: 'acts',
    run: runVerify,
    ends: [
      ...(['LEFT_OUT_FILES', 'ARCHIVE_INVALID', 'RECOVERY_KEY_MISSING', 'FILE_FAILED'] as const),
      ...(['NOT_INSTALLED', 'PEER_AWAY', 'LOCKED'] as const),
    ],
    examples: ['mailctl mesh verify', 'mailctl mesh verify --proofs'],
  });
}
