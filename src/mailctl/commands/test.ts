// mailctl test: does a message from here arrive there?

import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import type { TestReport } from '../../appliance/mail/test-message.ts';
import { STATUS } from '../../errors.ts';
import { type AppSource, describeWord } from '../command.ts';

const STATUS_OF = {
  delivered: STATUS.OK,
  deferred: STATUS.TRY_AGAIN,
  waiting: STATUS.TRY_AGAIN,
  bounced: STATUS.PARTIAL,
  refused: STATUS.PARTIAL,
} as const;

const SENTENCES = {
  delivered: 'was delivered',
  deferred: 'could not be delivered yet; the server will try again',
  waiting: 'is still on its way',
  bounced: 'was refused; the postmaster gets a notice',
  refused: 'was refused at once',
} as const;

function parseSeconds(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected seconds, 1 to 9999');
}

function describe(report: TestReport, to: string): string[] {
  const lines = [`the test message from ${report.from} to ${to} ${SENTENCES[report.outcome]}`];
  if (report.words !== null) {
    lines.push(`  ${report.relay === null ? 'this server' : report.relay} said: ${report.words}`);
  }
  if (report.queueId !== null) {
    lines.push(`  DKIM: ${report.signed ? 'signed' : 'not signed'}`);
    lines.push(`  queue id: ${report.queueId}`);
  }
  return lines;
}

export function registerTest(program: Command, app: AppSource): void {
  const command = program
    .command('test <address>')
    .description('send a test message from the postmaster, and see what becomes of it')
    .option('--timeout <seconds>', 'how long to wait for that', parseSeconds, 30)
    .action(async (text: string, options: { timeout: number }) => {
      const { parseTarget } = await import('../../appliance/address.ts');
      const { sendTestMessage } = await import('../../appliance/mail/test-message.ts');
      const { requireRootToLook } = await import('../root.ts');
      const to = parseTarget(text);
      requireRootToLook();
      const { host, output, appliance, options: given } = app();
      if (given.dryRun) {
        output.note(`would send a test message to ${to}`);
        return;
      }
      const target = await appliance();
      const wanted = { to, id: randomUUID(), timeout: options.timeout * 1000 };
      const report = await sendTestMessage(host, target, wanted);
      const { from, queueId, outcome, signed, words, relay } = report;
      output.result(describe(report, to), {
        ...{ from, to, outcome, signed, queue_id: queueId, words, relay },
      });
      if (outcome === 'waiting' || outcome === 'deferred') {
        output.note('next: mailctl queue list');
      }
      process.exitCode = STATUS_OF[outcome];
    });
  describeWord(command, {
    examples: ['mailctl test somebody@example.org', 'mailctl test alice@example.com --timeout 60'],
    statuses: [
      '1   refused or bounced; the reason is shown',
      '64  no mail address',
      '69  not running',
      '75  not delivered yet: deferred, or nothing known within --timeout',
      '77  not root',
    ],
  });
}
