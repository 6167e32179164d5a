// mailctl logs: the log of the daemons.

import { type Command, InvalidArgumentError } from 'commander';
import { LOGGED, type LogLine, readLog, watchLog } from '../../appliance/mail/logs.ts';
import { findNearest } from '../../appliance/settings/nearest.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { requireRootToLook } from '../root.ts';

interface LogOptions {
  readonly follow?: boolean;
  readonly daemon?: string;
}

const MOST_LINES = 1_000_000;

function parseCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (count <= MOST_LINES) return count;
  throw new InvalidArgumentError(`expected a number of lines, 0 to ${MOST_LINES}`);
}

function parseDaemon(text: string): string {
  if (LOGGED.includes(text)) return text;
  const nearest = findNearest(text, LOGGED);
  const meant = nearest === undefined ? '' : ` (Did you mean ${nearest}?)`;
  throw new InvalidArgumentError(`Expected one of ${LOGGED.join(', ')}.${meant}`);
}

function describe({ time, text }: LogLine): string {
  const stamp = time?.toISOString().replace('T', ' ').slice(0, 23);
  return stamp === undefined ? text : `${stamp}  ${text}`;
}

function summarize({ time, daemon, text }: LogLine): object {
  return { time: time?.toISOString() ?? null, daemon, text };
}

/** Ctrl-C ends --follow without a message. */
function endQuietly({ host }: App): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    host.processes.onSignal(signal, () => process.exit(STATUS.INTERRUPTED));
  }
}

/** With --json one object for each line, since the output has no end. */
async function follow(
  app: App,
  lines: readonly LogLine[],
  later: AsyncIterable<readonly LogLine[]>,
) {
  const show = (line: LogLine) => app.output.result(describe(line), summarize(line));
  endQuietly(app);
  for (const line of lines) show(line);
  for await (const more of later) for (const line of more) show(line);
}

export async function run(app: App, count: number, options: LogOptions): Promise<ExitStatus> {
  requireRootToLook(app);
  const { host, output } = app;
  const { paths } = await app.appliance();
  const { daemon } = options;
  const { lines, end } = await readLog(host, paths, { count, daemon });
  if (options.follow) {
    await follow(app, lines, watchLog(host, paths, { from: end, daemon }));
    return STATUS.OK;
  }
  output.result(lines.map(describe), { lines: lines.map(summarize) });
  if (lines.length === 0) output.note('the log is empty');
  return STATUS.OK;
}

export function registerLogs(command: Command, line: CommandLine): void {
  command
    .argument('[lines]', 'number of lines', parseCount, 50)
    .option('-f, --follow', 'show new lines as they come, until interrupted')
    .option(
      '--daemon <name>',
      'only the lines of one daemon, or of the scheduler (serve)',
      parseDaemon,
    );
  defineWord(command, line, {
    kind: 'looks',
    run,
    ends: ['USAGE', 'INTERRUPTED'],
    examples: ['mailctl logs 200 --daemon rspamd', 'mailctl logs -f'],
  });
}
