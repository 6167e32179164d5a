// mailctl test: sends a test message and reports its delivery.

import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { parseTarget } from '../../appliance/address.ts';
import { sendTestMessage, type TestReport } from '../../appliance/mail/test-message.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';

const STATUS_OF = {
  delivered: STATUS.OK,
  deferred: STATUS.TRY_AGAIN,
  waiting: STATUS.TRY_AGAIN,
  bounced: STATUS.PARTIAL,
  refused: STATUS.PARTIAL,
} as const;

const SENTENCES = {
  delivered: 'was delivered',
  deferred: 'was deferred; the server will retry',
  waiting: 'is still in delivery',
  bounced: 'bounced; the postmaster gets the bounce',
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

export async function run(
  app: App,
  text: string,
  options: { timeout: number },
): Promise<ExitStatus> {
  const { host, output } = app;
  const to = parseTarget(text);
  return app.change({
    word: 'test',
    unlocked: true,
    plan: async () => ({ would: [`send a test message to ${to}`] }),
    apply: (target) => {
      const wanted = { to, id: randomUUID(), timeout: options.timeout * 1000 };
      return sendTestMessage(host, target, wanted);
    },
    report: (report) => {
      const { from, queueId, outcome, signed, words, relay } = report;
      output.result(describe(report, to), {
        ...{ from, to, outcome, signed, queue_id: queueId, words, relay },
      });
      if (outcome === 'waiting' || outcome === 'deferred') {
        output.note('next: mailctl queue list');
      }
      return STATUS_OF[outcome];
    },
  });
}

export function registerTest(command: Command, line: CommandLine): void {
  command
    .argument('<address>')
    .option('--timeout <seconds>', 'time limit for the delivery', parseSeconds, 30);
  defineWord(command, line, {
    kind: 'acts',
    run,
    ends: ['MESSAGE_REFUSED', 'ADDRESS_INVALID', 'NOT_RUNNING', 'NOT_DELIVERED_YET'],
    examples: ['mailctl test bob@example.org', 'mailctl test alice@example.com --timeout 60'],
  });
}
