// All effects as one value: files, programs, time, progress messages. Every function with an effect takes a Host (or
// the part it needs) as its first parameter.

import { join } from 'node:path';
import { type ArchiveFiles, createArchiveFiles } from './archive-files.ts';
import { type Clock, systemClock } from './clock.ts';
import { createSockets, type Sockets } from './connect.ts';
import { createDatabases, type Databases } from './database.ts';
import { createDownloads, type Downloads } from './download.ts';
import { createFileSets, type FileSets } from './file-set.ts';
import { createFiles, type Files } from './files.ts';
import { createHttpServers, type HttpServers } from './http-server.ts';
import { createLineSockets, type LineSockets } from './line-socket.ts';
import { createLocks, type Locks } from './lock.ts';
import { createLogs, type Logs } from './log-writer.ts';
import { createPeerWire, type PeerWire } from './peer-client.ts';
import { createProcesses, type Processes } from './processes.ts';
import { createPrograms, type Programs } from './programs.ts';
import { createSealedFiles, type SealedFiles } from './sealed-file.ts';
import { createServiceUsers, type ServiceUsers } from './service-user.ts';
import { createSqlFiles, type SqlFiles } from './sql.ts';
import { createTreeReader, type TreeReader } from './tree-reader.ts';
import { createTreeWriters, type TreeWriters } from './tree-writer.ts';
import { createUntrustedTrees, type UntrustedTrees } from './untrusted-tree.ts';
import { createWeb, type Web } from './web.ts';

export interface Host {
  readonly files: Files;
  readonly fileSets: FileSets;
  readonly archives: ArchiveFiles;
  readonly databases: Databases;
  /** For folders that a container may write to. */
  readonly untrusted: UntrustedTrees;
  readonly trees: TreeReader;
  readonly treeWriters: TreeWriters;
  /** Indexes that belong to this program alone. */
  readonly sql: SqlFiles;
  /** Compressed and encrypted files. */
  readonly sealed: SealedFiles;
  readonly programs: Programs;
  readonly processes: Processes;
  readonly serviceUsers: ServiceUsers;
  readonly sockets: Sockets;
  /** Unix sockets of this program. */
  readonly lineSockets: LineSockets;
  readonly httpServers: HttpServers;
  readonly downloads: Downloads;
  readonly web: Web;
  /** Requests to mesh peers. */
  readonly wire: PeerWire;
  readonly locks: Locks;
  /** Logs of this program; src/host/log-folder.ts reads those of the container. */
  readonly logs: Logs;
  readonly clock: Clock;
  /** Reports progress to the operator; never part of the result. */
  readonly say: (message: string) => void;
}

interface HostOptions {
  /** Prefix of every path of this host: '/', or MAILCTL_ROOT. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly say: (message: string) => void;
}

export function createHost(options: HostOptions): Host {
  const files = createFiles(options.root);
  const programs = createPrograms(options.env);
  const locks = createLocks({ files, clock: systemClock });
  return {
    files,
    fileSets: createFileSets(files.path),
    archives: createArchiveFiles(files.path),
    databases: createDatabases(files.path),
    untrusted: createUntrustedTrees(files.path),
    trees: createTreeReader(files.path),
    treeWriters: createTreeWriters(files.path, programs),
    sql: createSqlFiles(files.path),
    sealed: createSealedFiles(files.path),
    programs,
    processes: createProcesses(),
    serviceUsers: createServiceUsers({ files, programs, locks, clock: systemClock }),
    sockets: createSockets(),
    lineSockets: createLineSockets(files),
    httpServers: createHttpServers(files),
    downloads: createDownloads(files),
    web: createWeb(),
    wire: createPeerWire(),
    locks,
    logs: createLogs(files, systemClock),
    clock: systemClock,
    say: options.say,
  };
}

/** Of a user that a dry run would make: the ids of `nobody`. */
const UNKNOWN_USER = { uid: 65_534, gid: 65_534 };

/** What cannot be recorded: the caller has to plan instead. */
function never(): never {
  throw new Error('a dry run writes no archive, index or tree');
}

/**
 * A host whose changing verbs only add what they would do to `would`, such as `write /etc/x`. Reading verbs
 * work as usual. Progress messages are dropped, since they would report changes that do not happen.
 */
export function dryRun(host: Host, would: string[]): Host {
  const record = (what: string) => {
    would.push(what);
    return Promise.resolve();
  };
  return {
    ...host,
    say: () => undefined,
    files: {
      ...host.files,
      replace: (path) => record(`write ${path}`),
      link: (target, path) => record(`point ${path} to ${target}`),
      rename: (from, to) => record(`rename ${from} to ${to}`),
      remove: (path) => record(`remove ${path}`),
      removeTree: (path) => record(`remove ${path} and everything in it`),
      makeDirectory: (path) => record(`make the directory ${path}`),
      setOwner: (path) => record(`set the owner of ${path}`),
      copy: (from, to) => record(`copy ${from} to ${to}`),
    },
    fileSets: {
      ...host.fileSets,
      replace: async (folder, texts) => {
        for (const name of Object.keys(texts)) await record(`write ${join(folder, name)}`);
      },
      settle: (folder) => record(`finish the interrupted change in ${folder}`),
      finish: () => Promise.resolve(),
    },
    archives: {
      ...host.archives,
      append: async (path) => {
        await record(`write ${path}`);
        return { bytes: 0, sha256: '' };
      },
      finish: async (_, path) => {
        await record(`write ${path}`);
        return true;
      },
      share: (_, path) => record(`write ${path}`),
    },
    databases: { ...host.databases, write: (path) => record(`update ${path}`) },
    untrusted: {
      ...host.untrusted,
      setOwners: async (base) => {
        await record(`set the owners in ${base}`);
        return 0;
      },
      merge: async (from, to) => {
        await record(`add what ${to} lacks from ${from}`);
        return { files: 0, blocked: [] };
      },
      remove: async (base, parts) => {
        const there = await host.untrusted.exists(base, parts);
        if (there) await record(`remove ${join(base, ...parts)} and everything in it`);
        return there;
      },
    },
    sql: { open: never },
    sealed: { ...host.sealed, create: never },
    treeWriters: { open: never, sync: never },
    programs: {
      ...host.programs,
      run: async (command, { shown = command.join(' ') } = {}) => {
        await record(`run ${shown}`);
        return { stdout: '', stderr: '', status: 0 };
      },
      launch: (command) => record(`start ${command.join(' ')}`),
      attend: async (command) => {
        await record(`keep ${command.join(' ')} running`);
        return { status: 0, signal: null };
      },
    },
    processes: {
      ...host.processes,
      signal: (pid, signal) => {
        would.push(`send ${signal} to the process ${pid}`);
        return host.processes.started(pid) !== null;
      },
      killTree: (pid) => {
        would.push(`end the process ${pid} and all that it started`);
      },
    },
    serviceUsers: {
      ...host.serviceUsers,
      ensure: async (name) => {
        const present = await host.serviceUsers.find(name);
        if (present === null) await record(`make the system user ${name}`);
        return present ?? UNKNOWN_USER;
      },
      become: async (name) => {
        await record(`run as ${name}`);
        return UNKNOWN_USER;
      },
    },
    locks: {
      ...host.locks,
      hold: (lock, work) => (lock.onlyToWrite ? work() : host.locks.hold(lock, work)),
    },
    lineSockets: {
      ...host.lineSockets,
      listen: async ({ path }) => {
        await record(`listen on ${path}`);
        return { close: () => undefined };
      },
    },
    httpServers: {
      serve: (path) => {
        would.push(`answer HTTP on ${path}`);
        return { isReachable: () => false, stop: () => Promise.resolve() };
      },
    },
    downloads: { fetch: (url, { to }) => record(`fetch ${url} to ${to}`) },
    logs: {
      append: (folder) => {
        would.push(`add to the log in ${folder}`);
        return true;
      },
    },
    wire: {
      ...host.wire,
      send: async (_, { method, path }) => {
        await record(`${method} ${path} to a peer`);
        return { status: 200, data: null };
      },
      receive: async (_, { path }) => {
        await record(`fetch ${path} from a peer`);
        return { status: 200, data: null };
      },
    },
    web: {
      ...host.web,
      send: async ({ method, url }) => {
        await record(`${method} ${url}`);
        return { status: 200, data: null, retryAfter: null };
      },
    },
  };
}
