// Lists and changes Postfix's queue. Senders and remote servers choose much of its text: control characters are
// removed from all of it.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { queryInside, runInside } from '../../host/lxc.ts';
import { presentable } from '../../host/programs.ts';
import { quoted } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';

/** Short or long form (postconf enable_long_queue_ids): letters and digits only. */
export type QueueId = string & { readonly queueId: unique symbol };

export interface QueuedRecipient {
  readonly address: string;
  /** Why it has not been delivered yet; null before the first attempt. */
  readonly reason: string | null;
}

export interface QueuedMessage {
  readonly id: string;
  /** active, deferred, hold, incoming, maildrop. */
  readonly queue: string;
  readonly arrived: Date;
  readonly size: number;
  /** Envelope sender; empty for bounces. */
  readonly sender: string;
  readonly recipients: readonly QueuedRecipient[];
}

// at least 5 characters: excludes postsuper's ALL
const QUEUE_ID = /^[0-9A-Za-z]{5,40}$/;

function isQueueId(text: string): text is QueueId {
  return QUEUE_ID.test(text);
}

/** Throws MESSAGE_UNKNOWN, also for a text that is not a queue id. */
export function parseQueueId(text: string): QueueId {
  if (isQueueId(text)) return text;
  throw unknownMessage(text);
}

function unknownMessage(id: string): MailctlError {
  return new MailctlError('MESSAGE_UNKNOWN', `message ${quoted(id)} is not in the queue`, {
    hint: 'mailctl queue list',
  });
}

/** One line of `postqueue -j` (postqueue(1)). */
interface PostqueueLine {
  readonly queue_name: string;
  readonly queue_id: string;
  readonly arrival_time: number;
  readonly message_size: number;
  readonly sender: string;
  readonly recipients: readonly { readonly address: string; readonly delay_reason?: string }[];
}

function toMessage(line: PostqueueLine): QueuedMessage {
  return {
    id: presentable(line.queue_id, [], 1),
    queue: presentable(line.queue_name, [], 1),
    arrived: new Date(line.arrival_time * 1000),
    size: line.message_size,
    sender: presentable(line.sender, [], 1),
    recipients: line.recipients.map(({ address, delay_reason }) => ({
      address: presentable(address, [], 1),
      reason: delay_reason === undefined ? null : presentable(delay_reason, [], 1),
    })),
  };
}

/** Reads the output of `postqueue -j`, oldest message first. */
export function parseQueue(text: string): QueuedMessage[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => toMessage(JSON.parse(line) as PostqueueLine))
    .sort((a, b) => a.arrived.getTime() - b.arrived.getTime());
}

/** Throws NOT_RUNNING. */
export async function listQueue(host: Host, target: Appliance): Promise<QueuedMessage[]> {
  const { stdout } = await queryInside(host, containerRef(target), ['postqueue', '-j']);
  return parseQueue(stdout);
}

async function requireMessage(host: Host, target: Appliance, id: QueueId): Promise<QueuedMessage> {
  const message = (await listQueue(host, target)).find((queued) => queued.id === id);
  if (message === undefined) throw unknownMessage(id);
  return message;
}

/** A message with its header and, on request, its body. Throws MESSAGE_UNKNOWN. */
export async function showMessage(
  host: Host,
  target: Appliance,
  wanted: { id: QueueId; body: boolean },
): Promise<{ message: QueuedMessage; content: string }> {
  const message = await requireMessage(host, target, wanted.id);
  const command = ['postcat', wanted.body ? '-hbq' : '-hq', wanted.id];
  const { stdout, status } = await queryInside(host, containerRef(target), command, {
    accept: [1],
  });
  // the message left the queue after postqueue listed it
  if (status !== 0) throw unknownMessage(wanted.id);
  return { message, content: presentable(stdout, [], Number.POSITIVE_INFINITY) };
}

/** Retries delivery now: of one message, or of all messages except those on hold. Throws MESSAGE_UNKNOWN. */
export async function flushQueue(host: Host, target: Appliance, which: QueueId | 'all') {
  if (which === 'all') {
    await runInside(host, containerRef(target), ['postqueue', '-f']);
    return;
  }
  await requireMessage(host, target, which);
  await runInside(host, containerRef(target), ['postqueue', '-i', which]);
}

export type QueueAction = 'hold' | 'release' | 'delete';

const SUPER_OPTION = { hold: '-h', release: '-H', delete: '-d' } as const;

/** Parses `postsuper: Deleted: 3 messages`; no output means 0. */
export function parseCount(stderr: string): number {
  const counts = stderr.matchAll(/^postsuper: [A-Z][a-z ]+: (\d+) messages?$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

/**
 * Holds, releases or deletes one message or all; returns their number. A message that is already in
 * that state is not counted. Throws MESSAGE_UNKNOWN.
 */
export async function changeQueue(
  host: Host,
  target: Appliance,
  change: { action: QueueAction; which: QueueId | 'all' },
): Promise<number> {
  const { action, which } = change;
  if (which !== 'all') await requireMessage(host, target, which);
  const command = ['postsuper', SUPER_OPTION[action], which === 'all' ? 'ALL' : which];
  const { stderr } = await runInside(host, containerRef(target), command, { timeout: 120_000 });
  return parseCount(stderr);
}
