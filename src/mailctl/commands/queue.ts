// mailctl queue: the mail queue.

import type { Command } from 'commander';
import {
  changeQueue,
  flushQueue,
  listQueue,
  parseQueueId,
  type QueueAction,
  type QueuedMessage,
  type QueueId,
  showMessage,
} from '../../appliance/mail/queue.ts';
import { formatBytes } from '../../appliance/settings/bytes.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';
import { requireRootToLook } from '../root.ts';
import type { Ending } from '../statuses.ts';

const ENDS: readonly Ending[] = ['MESSAGE_UNKNOWN', 'NOT_RUNNING'];

/** The stable JSON shape of a message. */
function summarize({ id, queue, arrived, size, sender, recipients }: QueuedMessage) {
  return { id, queue, arrived: arrived.toISOString(), size_bytes: size, sender, recipients };
}

function describeRecipients({ recipients }: QueuedMessage): string {
  const addresses = recipients.map(({ address }) => address).join(', ');
  const reason = recipients.find((recipient) => recipient.reason !== null)?.reason;
  return reason ? `${addresses}  (${reason})` : addresses;
}

function describe(message: QueuedMessage): string {
  const { id, queue, arrived, size, sender } = message;
  const when = arrived.toISOString().replace('T', ' ').slice(0, 16);
  const from = sender === '' ? '<>' : sender;
  return `${id}  ${queue}  ${when}  ${formatBytes(size)}  ${from} -> ${describeRecipients(message)}`;
}

function parseWhich(text: string): QueueId | 'all' {
  return text === 'all' ? 'all' : parseQueueId(text);
}

export async function runList(app: App): Promise<ExitStatus> {
  requireRootToLook(app);
  const messages = await listQueue(app.host, await app.appliance());
  app.output.result(messages.map(describe), { messages: messages.map(summarize) });
  if (messages.length === 0) app.output.note('the queue is empty');
  return STATUS.OK;
}

export async function runShow(
  app: App,
  text: string,
  options: { body?: boolean },
): Promise<ExitStatus> {
  requireRootToLook(app);
  const wanted = { id: parseQueueId(text), body: options.body ?? false };
  const { message, content } = await showMessage(app.host, await app.appliance(), wanted);
  app.output.result([describe(message), '', content], { message: summarize(message), content });
  return STATUS.OK;
}

export async function runFlush(app: App, text?: string): Promise<ExitStatus> {
  const which = parseWhich(text ?? 'all');
  return app.change({
    word: 'queue flush',
    apply: (target) => flushQueue(app.host, target, which),
    report: () => {
      app.output.result('retry started', { flushed: which });
      return STATUS.OK;
    },
  });
}

interface Change {
  readonly action: QueueAction;
  readonly description: string;
  readonly done: string;
}

const CHANGES: readonly Change[] = [
  { action: 'hold', description: 'put on hold: no delivery until released', done: 'on hold' },
  { action: 'release', description: 'release from hold', done: 'released' },
  {
    action: 'delete',
    description: 'delete for good, without a bounce to the sender',
    done: 'deleted',
  },
];

async function confirmDelete(app: App, which: QueueId | 'all'): Promise<void> {
  const what = which === 'all' ? 'every message in the queue' : `the message ${which}`;
  await app.confirm(`This deletes ${what} for good, without a bounce to the sender.`);
}

/** What `queue hold`, `release` and `delete` do. */
export async function runChange(app: App, change: Change, text: string): Promise<ExitStatus> {
  const { action, done } = change;
  const which = parseWhich(text);
  if (action === 'delete') await confirmDelete(app, which);
  return app.change({
    word: `queue ${action}`,
    apply: (target) => changeQueue(app.host, target, { action, which }),
    report: (count) => {
      const messages = count === 1 ? '1 message' : `${count} messages`;
      app.output.result(`${messages} ${done}`, { action, messages: count });
      return STATUS.OK;
    },
  });
}

function registerLooks(queue: Command, line: CommandLine): void {
  const list = queue.command('list').description('list the queue, oldest first');
  defineWord(list, line, {
    kind: 'looks',
    run: runList,
    ends: ['NOT_RUNNING'],
    examples: ['mailctl queue list', 'mailctl queue list --json'],
  });
  const show = queue
    .command('show <id>')
    .description('show a message: its envelope and its header')
    .option('--body', 'show its body too');
  defineWord(show, line, {
    kind: 'looks',
    run: runShow,
    ends: ENDS,
    examples: ['mailctl queue show 4dKNmS2kF2z9', 'mailctl queue show 4dKNmS2kF2z9 --body'],
  });
}

export function registerQueue(queue: Command, line: CommandLine): void {
  registerLooks(queue, line);
  const flush = queue
    .command('flush [id]')
    .description('retry delivery now: one message, or all that are not on hold');
  defineWord(flush, line, {
    kind: 'changes',
    run: runFlush,
    ends: ENDS,
    examples: ['mailctl queue flush', 'mailctl queue flush 4dKNmS2kF2z9'],
  });
  for (const change of CHANGES) {
    const { action, description } = change;
    const all = action === 'delete' ? 'all --yes' : 'all';
    const command = queue.command(`${action} <id|all>`).description(description);
    defineWord(command, line, {
      kind: 'changes',
      run: (app: App, text: string) => runChange(app, change, text),
      ends: action === 'delete' ? ['NOT_CONFIRMED', ...ENDS] : ENDS,
      examples: [`mailctl queue ${action} 4dKNmS2kF2z9`, `mailctl queue ${action} ${all}`],
    });
  }
  describeGroup(queue, {
    examples: ['mailctl queue list', 'mailctl queue delete all --yes'],
  });
}
