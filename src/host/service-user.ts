// System users of the processes that face the network: no login, no home, no other group. A process that has become
// such a user has no way back to root.

import { readdirSync, readFileSync } from 'node:fs';
import { MailctlError } from '../errors.ts';
import { type Clock, pollUntil } from './clock.ts';
import type { Files, Ownership } from './files.ts';
import type { Locks } from './lock.ts';
import { ANY_STATUS, type Programs, presentable } from './programs.ts';

export interface ServiceUsers {
  /** Null when there is none. */
  find(name: string): Promise<Ownership | null>;
  /** Finds the user, or makes it with useradd. Throws HOST_UNFIT with the command to type. */
  ensure(name: string): Promise<Ownership>;
  /**
   * Makes this process run as the user, without groups and capabilities, in all its threads. Throws NOT_ROOT, and
   * HOST_UNFIT when the user is missing.
   */
  become(name: string): Promise<Ownership>;
}

const PASSWD = '/etc/passwd';
const LOCK = '/var/run/mailserver/users.lock';
/** Another process may hold the lock of a file that useradd changes. */
const ATTEMPTS = { timeout: 10_000, interval: 200 };

/** Throws HOST_UNFIT for a user that is root under another name. */
function parseUser(passwd: string, name: string): Ownership | null {
  const line = passwd.split('\n').find((text) => text.startsWith(`${name}:`));
  if (line === undefined) return null;
  const [, , uid = '', gid = ''] = line.split(':');
  const user = { uid: Number(uid), gid: Number(gid) };
  if (/^\d+$/.test(uid) && /^\d+$/.test(gid) && user.uid > 0 && user.gid > 0) return user;
  throw new MailctlError('HOST_UNFIT', `the user ${name} has the ids ${uid}:${gid} in ${PASSWD}`, {
    hint: `remove the line, then: ${creation(name).join(' ')}`,
  });
}

function creation(name: string, prefix?: string): string[] {
  const place = prefix === undefined ? [] : ['--prefix', prefix];
  const shape = ['--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin'];
  return ['useradd', ...place, '--system', '--user-group', ...shape, name];
}

function missing(name: string): MailctlError {
  return new MailctlError('HOST_UNFIT', `the system user ${name} is missing`, {
    // base-files of OpenWrt, which has no useradd
    hint: `. /lib/functions.sh; user_add ${name} "" "$(group_add_next ${name})"`,
  });
}

interface Parts {
  readonly files: Pick<Files, 'path' | 'read'>;
  readonly programs: Pick<Programs, 'exists' | 'run'>;
  readonly locks: Pick<Locks, 'hold'>;
  readonly clock: Clock;
}

async function find({ files }: Pick<Parts, 'files'>, name: string): Promise<Ownership | null> {
  return parseUser((await files.read(PASSWD)) ?? '', name);
}

async function ensure(parts: Parts, name: string): Promise<Ownership> {
  const present = await find(parts, name);
  if (present !== null) return present;
  const { files, programs, locks, clock } = parts;
  if (!programs.exists('useradd')) throw missing(name);
  const root = files.path('/');
  const command = creation(name, root === '/' ? undefined : root);
  let said = '';
  const make = async () => {
    const { stderr } = await programs.run(command, { accept: ANY_STATUS });
    said = presentable(stderr, [], 1);
    return find(parts, name);
  };
  // two at once could overwrite each other's lines: useradd --prefix takes no lock
  const lock = { path: LOCK, holder: 'mailctl', wait: ATTEMPTS.timeout };
  const made = await locks.hold(
    lock,
    async () => (await find(parts, name)) ?? (await pollUntil(clock, ATTEMPTS, make)),
  );
  if (made !== null) return made;
  throw new MailctlError('HOST_UNFIT', `the system user ${name} cannot be made: ${said}`, {
    hint: command.join(' '),
  });
}

/** Null when it has ended. */
function statusOfThread(thread: string): string | null {
  try {
    return readFileSync(`/proc/self/task/${thread}/status`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

/** Throws if a thread kept an id or a capability. */
function verifyDropped({ uid, gid }: Ownership): void {
  const wanted = [
    ...[`Uid: ${uid} ${uid} ${uid} ${uid}`, `Gid: ${gid} ${gid} ${gid} ${gid}`, 'Groups:'],
    ...['CapInh', 'CapPrm', 'CapEff', 'CapAmb'].map((set) => `${set}: ${'0'.repeat(16)}`),
  ];
  for (const thread of readdirSync('/proc/self/task')) {
    const status = statusOfThread(thread);
    if (status === null) continue;
    const lines = status.split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
    const kept = wanted.filter((line) => !lines.includes(line));
    if (kept.length > 0) throw new Error(`a thread is not unprivileged: not ${kept.join(', ')}`);
  }
}

async function become(parts: Pick<Parts, 'files'>, name: string): Promise<Ownership> {
  const user = await find(parts, name);
  if (user === null) throw missing(name);
  if (process.geteuid?.() !== 0) {
    throw new MailctlError('NOT_ROOT', `only root can start a process as ${name}`, {
      hint: 'repeat the command as root (sudo)',
    });
  }
  process.umask(0o077);
  process.setgroups?.([]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
  verifyDropped(user);
  return user;
}

export function createServiceUsers(parts: Parts): ServiceUsers {
  return {
    find: (name) => find(parts, name),
    ensure: (name) => ensure(parts, name),
    become: (name) => become(parts, name),
  };
}
