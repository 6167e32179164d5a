// mailctl queue: the mail that waits to be delivered.

import type { Command } from 'commander';
import { formatBytes } from '../../appliance/bytes.ts';
import type { QueueAction, QueuedMessage, QueueId } from '../../appliance/mail/queue.ts';
import { type AppSource, describeWord } from '../command.ts';
import { requireRootToLook } from '../root.ts';

const STATUSES = [
  '67  no such message',
  '69  not running',
  '75  another mailctl is at work',
  '77  not root',
];

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

async function parseWhich(text: string): Promise<QueueId | 'all'> {
  const { parseQueueId } = await import('../../appliance/mail/queue.ts');
  return text === 'all' ? 'all' : parseQueueId(text);
}

function registerList(queue: Command, app: AppSource): void {
  const command = queue
    .command('list')
    .description('list what waits, the oldest first')
    .action(async () => {
      requireRootToLook();
      const { listQueue } = await import('../../appliance/mail/queue.ts');
      const messages = await listQueue(app().host, await app().appliance());
      app().output.result(messages.map(describe), { messages: messages.map(summarize) });
      if (messages.length === 0) app().output.note('the queue is empty');
    });
  describeWord(command, {
    examples: ['mailctl queue list', 'mailctl queue list --json'],
    statuses: ['69  not running', '77  not root'],
  });
}

function registerShow(queue: Command, app: AppSource): void {
  const command = queue
    .command('show <id>')
    .description('show a message: its envelope and its header')
    .option('--body', 'show its body too')
    .action(async (text: string, options: { body?: boolean }) => {
      requireRootToLook();
      const { parseQueueId, showMessage } = await import('../../appliance/mail/queue.ts');
      const wanted = { id: parseQueueId(text), body: options.body ?? false };
      const { message, content } = await showMessage(app().host, await app().appliance(), wanted);
      app().output.result([describe(message), '', content], {
        message: summarize(message),
        content,
      });
    });
  describeWord(command, {
    examples: ['mailctl queue show 4dKNmS2kF2z9', 'mailctl queue show 4dKNmS2kF2z9 --body'],
    statuses: ['67  no such message', '69  not running', '77  not root'],
  });
}

function registerFlush(queue: Command, app: AppSource): void {
  const command = queue
    .command('flush [id]')
    .description('try to deliver now: one message, or all that are not on hold')
    .action(async (text?: string) => {
      const which = await parseWhich(text ?? 'all');
      const { flushQueue } = await import('../../appliance/mail/queue.ts');
      await app().changing('queue flush', (target) => flushQueue(app().host, target, which));
      app().output.result('delivery is being tried', { flushed: which });
    });
  describeWord(command, {
    examples: ['mailctl queue flush', 'mailctl queue flush 4dKNmS2kF2z9'],
    statuses: STATUSES,
  });
}

interface Change {
  readonly action: QueueAction;
  readonly description: string;
  readonly done: string;
}

const CHANGES: readonly Change[] = [
  { action: 'hold', description: 'keep from being delivered, until released', done: 'on hold' },
  { action: 'release', description: 'let what is on hold be delivered again', done: 'released' },
  {
    action: 'delete',
    description: 'delete for good, without a notice to the sender',
    done: 'deleted',
  },
];

async function confirmDelete(app: AppSource, which: QueueId | 'all'): Promise<void> {
  const what = which === 'all' ? 'every message in the queue' : `the message ${which}`;
  await app().confirm(`This deletes ${what}, for ever and without telling anybody.`);
}

function registerChange(queue: Command, app: AppSource, change: Change): void {
  const { action, description, done } = change;
  const command = queue
    .command(`${action} <id|all>`)
    .description(description)
    .action(async (text: string) => {
      const which = await parseWhich(text);
      if (action === 'delete') await confirmDelete(app, which);
      const { changeQueue } = await import('../../appliance/mail/queue.ts');
      const count = await app().changing(`queue ${action}`, (target) =>
        changeQueue(app().host, target, { action, which }),
      );
      if (app().options.dryRun) return;
      const messages = count === 1 ? '1 message' : `${count} messages`;
      app().output.result(`${messages} ${done}`, { action, messages: count });
    });
  const all = action === 'delete' ? 'all --yes' : 'all';
  describeWord(command, {
    examples: [`mailctl queue ${action} 4dKNmS2kF2z9`, `mailctl queue ${action} ${all}`],
    statuses: action === 'delete' ? ['64  no --yes and no terminal', ...STATUSES] : STATUSES,
  });
}

export function registerQueue(program: Command, app: AppSource): void {
  const queue = program.command('queue').description('the mail that waits to be delivered');
  registerList(queue, app);
  registerShow(queue, app);
  registerFlush(queue, app);
  for (const change of CHANGES) registerChange(queue, app, change);
  describeWord(queue, {
    examples: ['mailctl queue list', 'mailctl queue delete all --yes'],
    statuses: STATUSES,
  });
}
