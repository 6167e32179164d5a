// The log of all daemons, written by s6-log: a UTC time stamp, then the line as the daemon wrote it.

import type { Host } from '../../host/host.ts';
import { followLog, type LogMark, readLogTail } from '../../host/log-folder.ts';
import { presentable } from '../../host/programs.ts';
import type { Paths } from '../paths.ts';

export interface LogLine {
  /** null if the line does not begin with a time stamp. */
  readonly time: Date | null;
  readonly daemon: string | null;
  /** Presentable: without control characters. */
  readonly text: string;
}

const STAMP = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3})\d* +/;

/** Patterns that identify the daemon of a line; the first match counts. */
const MARKS: readonly (readonly [daemon: string, mark: RegExp])[] = [
  // Postfix names its instance and program: `mail.info: Nov 21 01:02:03 postfix/smtp-in/smtpd[12]: …`
  [
    'postfix',
    /^(?:mail\.\w+: )?(?:\w{3} [ \d]\d [\d:]{8} )?(?:postfix(?:\/[\w-]+)*|post(?:super|queue|cat|map|log|drop))(?:\[\d+\])?: /,
  ],
  ['dovecot', /^(?:\w{3} [ \d]\d [\d:]{8} )?(?:dovecot|doveadm)(?:\(\S*\))?: /],
  // Rspamd names the kind of process: `(controller) <mrrk41>; cfg; …`; before it opens its log, `… #96(main) <…>`
  ['rspamd', /^(?:[\d :-]+ #\d+)?\(\w+\) |^rspamd: /],
  ['opendkim', /\bopendkim(?:\[\d+\])?: /],
  ['postsrsd', /\bpostsrsd(?:\[\d+\])?: /],
  ['unbound', /\bunbound(?:\[\d+(?::\d+)?\])?: |\bunbound\[/],
  ['fail2ban', /\bfail2ban\b/],
  ['valkey', /^(?:valkey: |\d+:[XCSM] \d\d \w{3} \d{4} )/],
  ['clamav', /\b(?:clamd|clamav)\b/],
  ['freshclam', /\bfreshclam\b/],
  ['serve', /^serve: /],
];

/** Every daemon with lines of its own, and the scheduler. The services `log` and `syslog` appear in reports of s6. */
export const LOGGED: readonly string[] = [
  ...MARKS.map(([daemon]) => daemon),
  'log',
  'syslog',
].sort();

function daemonOf(text: string): string | null {
  // a report of s6 about a daemon: `s6: rspamd ended with status 1`
  const named = /^s6: ([\w-]+) /.exec(text)?.[1];
  return named ?? MARKS.find(([, mark]) => mark.test(text))?.[0] ?? null;
}

function parseLogLine(line: string): LogLine {
  const [stamp = '', day, time] = STAMP.exec(line) ?? [];
  const text = presentable(line.slice(stamp.length), [], 1);
  return {
    time: day === undefined ? null : new Date(`${day}T${time}Z`),
    daemon: daemonOf(text),
    text,
  };
}

export interface LogFilter {
  /** Only lines of this daemon. */
  readonly daemon?: string | undefined;
}

function accepts({ daemon }: LogFilter): (line: string) => boolean {
  return daemon === undefined ? () => true : (line) => parseLogLine(line).daemon === daemon;
}

/** The scheduler runs outside of the container and has its own log. */
function folderOf(paths: Paths, { daemon }: LogFilter): string {
  return daemon === 'serve' ? paths.scheduleLog : paths.log;
}

/** The last `count` lines, oldest first, and the position after them. */
export async function readLog(
  host: Host,
  paths: Paths,
  wanted: LogFilter & { readonly count: number },
): Promise<{ lines: LogLine[]; end: LogMark }> {
  const accept = accepts(wanted);
  const { lines, end } = await readLogTail(host, folderOf(paths, wanted), {
    count: wanted.count,
    accept,
  });
  return { lines: lines.map(parseLogLine), end };
}

/** Lines as they are written after `from`; yields an empty group at each poll without new lines. */
export async function* watchLog(
  host: Host,
  paths: Paths,
  wanted: LogFilter & { readonly from: LogMark },
): AsyncGenerator<readonly LogLine[]> {
  const accept = accepts(wanted);
  for await (const lines of followLog(host, folderOf(paths, wanted), wanted.from)) {
    yield lines.filter(accept).map(parseLogLine);
  }
}
