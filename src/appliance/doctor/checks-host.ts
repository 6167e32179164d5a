// Checks of this host: clock, disk space, memory, files, accounts, resolver, the scheduler.

import { join } from 'node:path';
import { isPlausible } from '../../host/clock.ts';
import { findAuthorities, readResolvers } from '../../host/dns.ts';
import type { Space } from '../../host/files.ts';
import type { Host } from '../../host/host.ts';
import { formatDirectoryProblems, isDirectoryBehind, readDirectory } from '../accounts/accounts.ts';
import { ensureDataDirectories } from '../container/data-folders.ts';
import { currentImage } from '../container/image.ts';
import type { Paths } from '../paths.ts';
import { queryScheduling } from '../schedule/query.ts';
import { formatBytes } from '../settings/bytes.ts';
import type { Check, Report } from './context.ts';
import { wrongFiles } from './file-modes.ts';
import type { Finding } from './finding.ts';

const MEGABYTE = 1_000_000;

const clock: Check = {
  id: 'clock.plausible',
  about: 'the clock of this host is plausible',
  measured: 'the clock of this host, compared with the build date of mailctl',
  run: async ({ host }, report) => {
    const now = host.clock.now();
    if (isPlausible(now)) return report('ok', 'the clock is plausible');
    const message = `the clock shows ${now.toISOString().slice(0, 10)}: certificates seem invalid, and renewals are suspended`;
    return report('error', message, { fix: '/etc/init.d/sysntpd restart   (or set it with date)' });
  },
};

/** Null before the first install. */
async function spaceForMail(host: Host, paths: Paths): Promise<Space | null> {
  return (await host.files.stat(paths.data)) === null ? null : host.files.space(paths.data);
}

const notYet = (report: Report, paths: Paths): Finding =>
  report('note', `${paths.data} does not exist yet`, { fix: 'mailctl install' });

const disk: Check = {
  id: 'disk.free',
  about: 'the data folder has free space',
  measured: 'statfs of the data folder',
  run: async ({ host, target: { paths } }, report) => {
    const space = await spaceForMail(host, paths);
    if (space === null) return notYet(report, paths);
    const { free, total } = space;
    const share = free / total;
    const text = `${formatBytes(free)} of ${formatBytes(total)} are free in ${paths.data}`;
    const fix = 'mailctl user list --sizes   (shows the largest mailboxes), or a larger disk';
    if (free < 50 * MEGABYTE) return report('error', `${text}: incoming mail is deferred`, { fix });
    if (share < 0.05 || free < 200 * MEGABYTE) return report('warning', text, { fix });
    return report('ok', text);
  },
};

const fileNames: Check = {
  id: 'disk.files',
  about: 'the file system has free inodes (each message needs one)',
  measured: 'statfs of the data folder',
  run: async ({ host, target: { paths } }, report) => {
    const space = await spaceForMail(host, paths);
    if (space === null) return notYet(report, paths);
    const { freeFiles } = space;
    if (freeFiles === null) return report('ok', 'this file system has no inode limit');
    const text = `${freeFiles} inodes are free in ${paths.data}`;
    const fix =
      'mailctl user list --sizes   (shows the largest mailboxes), or a file system with more inodes';
    if (freeFiles < 1000) return report('error', `${text}: incoming mail is deferred`, { fix });
    return freeFiles < 10_000 ? report('warning', text, { fix }) : report('ok', text);
  },
};

/** Folder of the container's memory controller; null if this host has none. */
async function memoryFolder(host: Host, pid: number): Promise<string | null> {
  const text = (await host.files.read(`/proc/${pid}/cgroup`)) ?? '';
  const old = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(text)?.[1];
  const folder =
    old === undefined
      ? join('/sys/fs/cgroup', /^0::(.*)$/m.exec(text)?.[1] ?? '/')
      : join('/sys/fs/cgroup/memory', old);
  return (await host.files.stat(folder)) === null ? null : folder;
}

async function numberIn(host: Host, ...names: string[]): Promise<number | null> {
  for (const name of names) {
    const text = await host.files.read(name);
    if (text !== null && /^\d+\s*$/.test(text)) return Number(text);
  }
  return null;
}

const memory: Check = {
  id: 'memory.limit',
  about: 'the container has enough memory',
  needsContainer: true,
  measured: "the memory controller of the container's cgroup",
  run: async ({ host, pid, target: { settings } }, report) => {
    const folder = await memoryFolder(host, pid ?? 0);
    if (folder === null)
      return report('unknown', 'inconclusive: this host has no memory controller');
    const at = (name: string) => join(folder, name);
    const used = await numberIn(host, at('memory.current'), at('memory.usage_in_bytes'));
    const events =
      (await host.files.read(at('memory.events'))) ??
      (await host.files.read(at('memory.oom_control'))) ??
      '';
    const kills = Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0);
    const { memory: limit } = settings.main;
    const text = `${formatBytes(used ?? 0)} of ${formatBytes(limit)} are used, including the page cache`;
    const fix = `mailctl set main.memory ${Math.round((limit * 1.5) / 2 ** 20)}M; mailctl apply`;
    if (kills > 0) {
      return report('warning', `the OOM killer has ended ${kills} processes; ${text}`, { fix });
    }
    return report(
      used === null ? 'unknown' : 'ok',
      used === null ? 'inconclusive: this host reports no memory usage' : text,
    );
  },
};

const files: Check = {
  id: 'files.modes',
  about: 'keys and folders have the right owner and mode',
  measured: 'owner and mode of the data folders and of every private key',
  run: async ({ host, target }, report) => {
    const wrong = await wrongFiles(host, target);
    if (wrong.length === 0) return report('ok', 'every owner and mode is right');
    const names = wrong.map(
      ({ path, mode, uid }) => `${path} (wanted: ${mode.toString(8)}, owner ${uid})`,
    );
    return report('error', `wrong owner or mode: ${names.join(', ')}`, {
      fix: 'mailctl doctor --fix',
    });
  },
  applyFix: async ({ host, target }) => {
    await ensureDataDirectories(host, target);
    const wrong = await wrongFiles(host, target);
    for (const { path, mode, uid } of wrong) {
      const text = await host.files.readBytes(path);
      if (text !== null) await host.files.replace(path, text, { mode, owner: { uid, gid: uid } });
    }
    return 'restored the owners and modes of folders and keys';
  },
};

const accounts: Check = {
  id: 'accounts.valid',
  about: 'the account files are valid and applied',
  measured:
    'the account files in the data folder, compared with the database of Dovecot and Postfix',
  run: async ({ host, target }, report) => {
    const { directory, problems } = await readDirectory(host, target);
    if (problems.length > 0) {
      const list = formatDirectoryProblems(target.paths.accounts, problems);
      return report(
        'error',
        `invalid lines; the accounts are not updated until they are fixed:\n${list}`,
        {
          fix: `correct the lines in ${target.paths.accounts}, then: mailctl apply`,
        },
      );
    }
    if (
      (await currentImage(host, target.paths)) !== null &&
      (await isDirectoryBehind(host, target))
    ) {
      return report('warning', 'the edited account files are not applied yet', {
        fix: 'mailctl apply',
      });
    }
    return report(
      'ok',
      `${directory.mailboxes.size} mailboxes in ${directory.domains.size} domains`,
    );
  },
};

const resolver: Check = {
  id: 'resolver.host',
  about: "this host's resolver answers",
  measured: 'SOA and NS of the mail domain at the resolvers of dns.resolver or /etc/resolv.conf',
  run: async ({ host, target: { settings } }, report) => {
    const started = host.clock.now().getTime();
    const resolvers = await readResolvers(host, settings.dns.resolver);
    const { zone } = await findAuthorities(resolvers, settings.main.domain);
    const took = host.clock.now().getTime() - started;
    const text = `found the name servers of ${zone} in ${took} ms`;
    return took > 5000 ? report('warning', `${text}: slow`) : report('ok', text);
  },
};

const scheduler: Check = {
  id: 'schedule.serve',
  about: 'scheduled jobs run and do not fail',
  measured: 'the lock of mailctl serve, and schedule.json',
  run: async ({ host, target }, report) => {
    if ((await currentImage(host, target.paths)) === null) {
      return report('note', 'nothing is installed yet', { fix: 'mailctl install' });
    }
    const { server, due } = await queryScheduling(host, target);
    const fix = 'mailctl start';
    const failing = due.filter(
      ({ record, problem }) => problem !== null || (record?.failures ?? 0) > 2,
    );
    if (server === null)
      return report('error', 'mailctl serve does not run: certificates and keys are not renewed', {
        fix,
      });
    if (failing.length === 0)
      return report('ok', 'mailctl serve runs, and no job fails repeatedly');
    const names = failing.map(
      ({ job, problem }) => `${job.name}${problem === null ? '' : `: ${problem}`}`,
    );
    return report('warning', `these jobs fail repeatedly: ${names.join('; ')}`, {
      fix: 'mailctl status',
    });
  },
};

export const HOST_CHECKS: readonly Check[] = [
  clock,
  disk,
  fileNames,
  memory,
  files,
  accounts,
  resolver,
  scheduler,
];
