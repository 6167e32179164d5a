// mailctl status: the state of the mail server and its faults.

import type { Command } from 'commander';
import { queryUnapplied, type Unapplied } from '../../appliance/apply/unapplied.ts';
import { queryScheduling, type SchedulingStatus } from '../../appliance/schedule/query.ts';
import { formatBytes } from '../../appliance/settings/bytes.ts';
import type { DaemonStatus } from '../../appliance/status/daemons.ts';
import { type ApplianceStatus, queryStatus, type Trouble } from '../../appliance/status/status.ts';
import { querySupervision, type Supervision } from '../../appliance/supervise/wait.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { describeScheduling, summarizeDue, summarizeScheduler } from '../due-text.ts';
import { formatSpan } from '../figures.ts';
import type { Output } from '../output.ts';
import { requireRootToLook } from '../root.ts';

const STATUS_OF = {
  running: STATUS.OK,
  degraded: STATUS.PARTIAL,
  stopped: STATUS.UNAVAILABLE,
  absent: STATUS.UNAVAILABLE,
} as const;

/** Milliseconds for counting the stored bytes, to keep the whole command below 300. */
const COUNTING_LIMIT_MS = 100;

type Paint = Output['paint'];

interface Shown {
  readonly status: ApplianceStatus;
  readonly scheduling: SchedulingStatus;
  readonly unapplied: Unapplied;
  readonly supervision: Supervision;
}

/** The stable JSON shape (docs/json.md); later fields are added at the end. */
function summarize({ status, scheduling, unapplied, supervision }: Shown): object {
  const { state, address, hostname, domain, daemons, ports, mailboxes, storage, image } = status;
  return {
    state,
    address,
    hostname,
    domain,
    daemons: daemons.map(({ name, state: is, since }) => ({
      name,
      state: is,
      since: since?.toISOString() ?? null,
    })),
    ports,
    mailboxes,
    storage_bytes: storage.bytes,
    image,
    due: summarizeDue(scheduling.due),
    storage_complete: storage.complete,
    free_bytes: storage.free,
    troubles: status.troubles.map(({ message, hint, log }) => ({
      message,
      hint,
      log: log.map(({ text }) => text),
    })),
    scheduler: summarizeScheduler(scheduling),
    login: status.login,
    unapplied: { changes: unapplied.changes, refusal: unapplied.refusal?.message ?? null },
    supervision: { stopped: supervision.stopped, waits_for: supervision.waitsFor },
  };
}

function supervisionTroubles({ stopped, waitsFor }: Supervision): Trouble[] {
  const troubles: Trouble[] = [];
  if (stopped) {
    const message = 'mailctl stop keeps it stopped until mailctl start or the next boot';
    troubles.push({ message, hint: 'mailctl start', log: [] });
  }
  if (waitsFor !== null) {
    const message = `mailctl serve waits: ${waitsFor}`;
    troubles.push({ message, hint: 'mailctl logs 50 --daemon serve', log: [] });
  }
  return troubles;
}

function describeTrouble({ message, hint, log }: Trouble, paint: Paint): string[] {
  const lines = log.map(({ text }) => paint.dim(`    ${text}`));
  return [`  ${message}`, ...lines, `    next: ${hint}`];
}

function describeDaemon({ name, state, since }: DaemonStatus, paint: Paint, now: Date): string {
  const color = { up: paint.green, down: paint.red, failing: paint.red }[state];
  const seconds = since === null ? null : (now.getTime() - since.getTime()) / 1000;
  const span = seconds === null ? '' : `  ${formatSpan(seconds)}`;
  return `  ${name.padEnd(10)}  ${color(state.padEnd(7))}${span}`;
}

function describeFacts(status: ApplianceStatus): string[] {
  const { address, domain, mailboxes, storage, image } = status;
  const atLeast = storage.complete ? '' : 'more than ';
  const size = `${atLeast}${formatBytes(storage.bytes)}, ${formatBytes(storage.free)} free`;
  const rows = [
    ['address', address],
    ['domain', domain],
    ['mailboxes', String(mailboxes)],
    ['storage', size],
    ['image', image === null ? 'none' : `${image.version} ${image.variant}`],
  ] as const;
  return rows.map(([name, value]) => `  ${name.padEnd(10)}  ${value}`);
}

function describe(status: ApplianceStatus, paint: Paint, now: Date): string[] {
  const { state, troubles, hostname, daemons, ports } = status;
  const color = state === 'running' ? paint.green : state === 'degraded' ? paint.yellow : paint.red;
  const open = ports.filter(({ listening }) => listening);
  const listening = open.map(({ name, port }) => `${name} ${port}`).join(', ');
  return [
    `${hostname} is ${color(state)}`,
    ...troubles.flatMap((trouble) => describeTrouble(trouble, paint)),
    ...describeFacts(status),
    ...(open.length > 0 ? [`  ${'ports'.padEnd(10)}  ${listening}`] : []),
    ...daemons.map((daemon) => describeDaemon(daemon, paint, now)),
  ];
}

function describeUnapplied({ changes, refusal }: Unapplied, paint: Paint): string[] {
  if (changes === 0 && refusal === null) return [];
  const what = refusal?.message ?? `changes of the UCI file: ${changes}`;
  return [`  ${paint.yellow('unapplied'.padEnd(10))}  ${what}; next: mailctl plan`];
}

export async function run(app: App, options: { sizes?: boolean }): Promise<ExitStatus> {
  requireRootToLook(app);
  const { host, output } = app;
  const target = await app.appliance();
  const limit = options.sizes ? null : COUNTING_LIMIT_MS;
  const [found, scheduling, unapplied, supervision] = await Promise.all([
    queryStatus(host, target, limit),
    queryScheduling(host, target),
    queryUnapplied(host, target),
    querySupervision(host, target.paths),
  ]);
  const troubles = [...found.troubles, ...supervisionTroubles(supervision)];
  const status = { ...found, troubles };
  const now = host.clock.now();
  const { paint } = output;
  const lines = [...describe(status, paint, now), ...describeUnapplied(unapplied, paint)];
  const more = status.state === 'absent' ? [] : describeScheduling(scheduling, now, paint);
  const shown = { status, scheduling, unapplied, supervision };
  output.result([...lines, ...more], summarize(shown));
  return STATUS_OF[status.state];
}

export function registerStatus(command: Command, line: CommandLine): void {
  command.option('--sizes', 'count all stored bytes, without a time limit');
  defineWord(command, line, {
    kind: 'looks',
    run,
    ends: ['DEGRADED', 'STOPPED'],
    examples: ['mailctl status', 'mailctl status --json'],
  });
}
