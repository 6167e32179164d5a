// mailctl srs: the secret that signs the rewritten senders of forwarded mail.

import type { Command } from 'commander';
import { converge, requireInstalled } from '../../appliance/apply/converge.ts';
import { rotateSrsSecret } from '../../appliance/srs/secret.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';

const DONE =
  'a new secret signs; bounces to addresses signed with the former one are accepted until the next rotation';

export async function runRotate(app: App): Promise<ExitStatus> {
  const { host, output } = app;
  return app.change({
    word: 'srs rotate',
    plan: async () => ({ would: ['sign the senders of forwarded mail with a new secret'] }),
    apply: async (target) => {
      const image = await requireInstalled(host, target);
      await rotateSrsSecret(host, target);
      return converge(host, target, { image, start: false });
    },
    report: ({ running }) => {
      output.result(DONE, { running });
      return STATUS.OK;
    },
  });
}

export function registerSrs(srs: Command, line: CommandLine): void {
  const rotated = srs
    .command('rotate')
    .description('sign with a new secret; twice, and no address in use is accepted any more');
  defineWord(rotated, line, {
    kind: 'changes',
    run: runRotate,
    ends: ['DATA_INVALID', 'PROBE_FAILED', 'NOT_INSTALLED'],
    examples: ['mailctl srs rotate', 'mailctl srs rotate --dry-run'],
  });
  describeGroup(srs, { examples: ['mailctl srs rotate', 'mailctl srs rotate --dry-run'] });
}
