// A dry run changes nothing: every verb of the Host is classified as reading or changing, and the changing ones
// are replaced.

import { expect, test } from 'bun:test';
import { createHost, dryRun, type Host } from '../../src/host/host.ts';

type Verbs = Readonly<Record<string, readonly string[]>>;

const LOOKS: Verbs = {
  files: ['path', 'realPath', 'read', 'readBytes', 'list', 'stat', 'readLink', 'space'],
  fileSets: ['read', 'isPending'],
  archives: ['digest', 'digestPieces', 'read'],
  databases: ['readLabel'],
  untrusted: ['walk', 'exists', 'read'],
  trees: ['open', 'openParent'],
  sealed: ['read'],
  programs: ['query', 'exists', 'find'],
  // signals to this process and its own memory have no lasting effect
  processes: ['started', 'command', 'onSignal', 'onParentEnd', 'releaseMemory'],
  serviceUsers: ['find'],
  // the caller decides what a dialogue sends: probes only read, and `test` has its own plan
  sockets: ['dialogue'],
  lineSockets: ['ask'],
  locks: ['query'],
  web: ['query'],
  wire: ['query'],
  clock: ['now', 'sleep'],
};

const CHANGES: Verbs = {
  files: [
    ...['replace', 'link', 'rename', 'remove', 'removeTree'],
    ...['makeDirectory', 'setOwner', 'copy'],
  ],
  fileSets: ['replace', 'settle', 'finish'],
  archives: ['append', 'finish', 'share'],
  databases: ['write'],
  untrusted: ['merge', 'remove', 'setOwners'],
  sealed: ['create'],
  sql: ['open'],
  treeWriters: ['open', 'sync'],
  programs: ['run', 'launch', 'attend'],
  processes: ['signal', 'killTree'],
  serviceUsers: ['ensure', 'become'],
  // a dry run waits for a command that is changing the files it reads, and takes no other lock
  locks: ['hold'],
  lineSockets: ['listen'],
  httpServers: ['serve'],
  downloads: ['fetch'],
  web: ['send'],
  // it writes what it receives into a file
  wire: ['send', 'receive'],
  logs: ['append'],
};

/** `say` is how the others tell. */
const SAYS = ['say'];

const host = createHost({ root: '/nowhere', env: {}, say: () => undefined });
const parts = (of: Host) => of as unknown as Record<string, Record<string, unknown>>;

test('every verb of the Host is listed once, as reading or changing', () => {
  const present = Object.entries(host)
    .filter(([part]) => !SAYS.includes(part))
    .flatMap(([part, verbs]) => Object.keys(verbs).map((verb) => `${part}.${verb}`));
  const listed = [LOOKS, CHANGES].flatMap((verbs) =>
    Object.entries(verbs).flatMap(([part, names]) => names.map((name) => `${part}.${name}`)),
  );

  expect(listed.sort()).toEqual(present.sort());
});

test('a dry run replaces every changing verb, and no other', () => {
  const dry = parts(dryRun(host, []));
  const real = parts(host);
  const same = (verbs: Verbs, expected: boolean) =>
    Object.entries(verbs).flatMap(([part, names]) =>
      names
        .filter((name) => (dry[part]?.[name] === real[part]?.[name]) !== expected)
        .map((name) => `${part}.${name}`),
    );

  expect(same(CHANGES, false)).toEqual([]);
  expect(same(LOOKS, true)).toEqual([]);
});
