// The outside world as one value: files, programs, time and what to tell the person who waits.
// Every function that touches the world takes a Host (or the part it needs) as its first parameter.

import { join } from 'node:path';
import { type Clock, systemClock } from './clock.ts';
import { createDatabases, type Databases } from './database.ts';
import { createFileSets, type FileSets } from './file-set.ts';
import { createFiles, type Files } from './files.ts';
import { createPrograms, type Programs } from './programs.ts';
import { createUntrustedTrees, type UntrustedTrees } from './untrusted-tree.ts';
import { createWeb, type Web } from './web.ts';

export interface Host {
  readonly files: Files;
  readonly fileSets: FileSets;
  readonly databases: Databases;
  /** For folders that a container may write to. */
  readonly untrusted: UntrustedTrees;
  readonly programs: Programs;
  readonly web: Web;
  readonly clock: Clock;
  /** Tells the operator what is being done; never part of the result. */
  readonly say: (message: string) => void;
}

interface HostOptions {
  /** Prefix of every path of this host; '/' except where a whole tree lives elsewhere. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly say: (message: string) => void;
}

export function createHost(options: HostOptions): Host {
  const files = createFiles(options.root);
  return {
    files,
    fileSets: createFileSets(files.path),
    databases: createDatabases(files.path),
    untrusted: createUntrustedTrees(files.path),
    programs: createPrograms(options.env),
    web: createWeb(),
    clock: systemClock,
    say: options.say,
  };
}

/** A host whose changing verbs only say what they would do. Looking works as ever. */
export function dryRun(host: Host): Host {
  const would = (what: string) => {
    host.say(`would ${what}`);
    return Promise.resolve();
  };
  return {
    ...host,
    files: {
      ...host.files,
      replace: (path) => would(`write ${path}`),
      link: (target, path) => would(`point ${path} to ${target}`),
      rename: (from, to) => would(`rename ${from} to ${to}`),
      remove: (path) => would(`remove ${path}`),
      removeTree: (path) => would(`remove ${path} and everything in it`),
      makeDirectory: (path) => would(`make the directory ${path}`),
      setOwner: (path) => would(`set the owner of ${path}`),
      copy: (from, to) => would(`copy ${from} to ${to}`),
    },
    fileSets: {
      ...host.fileSets,
      replace: async (folder, texts) => {
        for (const name of Object.keys(texts)) await would(`write ${join(folder, name)}`);
      },
      settle: (folder) => would(`finish the interrupted change in ${folder}`),
      finish: () => Promise.resolve(),
    },
    databases: { ...host.databases, write: (path) => would(`update ${path}`) },
    untrusted: {
      ...host.untrusted,
      remove: async (base, parts) => {
        const there = await host.untrusted.exists(base, parts);
        if (there) await would(`remove ${join(base, ...parts)} and everything in it`);
        return there;
      },
    },
    programs: {
      ...host.programs,
      run: async (command) => {
        await would(`run ${command.join(' ')}`);
        return { stdout: '', stderr: '', status: 0 };
      },
      launch: (command) => would(`start ${command.join(' ')}`),
    },
    web: {
      ...host.web,
      send: async ({ method, url }) => {
        await would(`${method} ${url}`);
        return { status: 200, data: null, retryAfter: null };
      },
    },
  };
}
