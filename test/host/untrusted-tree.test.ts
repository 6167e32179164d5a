// The owners of a tree that a container may write to. Needs root, since only root gives files away.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHost } from '../../src/host/host.ts';

const rooted = test.skipIf(process.geteuid?.() !== 0);
const { untrusted } = createHost({ root: '/', env: {}, say: () => undefined });
const US = { uid: 105000, gid: 105000 };
let base: string;

const ownerOf = (path: string) => {
  const { uid, gid } = lstatSync(join(base, path));
  return { uid, gid };
};

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'mailctl-owners-'));
  mkdirSync(join(base, 'tree/a b/c'), { recursive: true });
  writeFileSync(join(base, 'tree/a b/c/file'), '');
  mkdirSync(join(base, 'outside'));
  writeFileSync(join(base, 'outside/secret'), '');
});
afterEach(() => rmSync(base, { recursive: true }));

rooted('every entry gets the owner of its path, at every depth, once', async () => {
  const seen: string[] = [];
  const rule = (parts: readonly string[]) => {
    seen.push(parts.join('/'));
    return parts.length === 0 ? null : US;
  };

  expect(await untrusted.setOwners(join(base, 'tree'), rule)).toBe(3);
  expect(await untrusted.setOwners(join(base, 'tree'), rule)).toBe(0);
  expect(seen.slice(0, 4)).toEqual(['a b/c/file', 'a b/c', 'a b', '']);
  expect(ownerOf('tree')).toEqual({ uid: 0, gid: 0 });
  for (const path of ['tree/a b', 'tree/a b/c', 'tree/a b/c/file'])
    expect(ownerOf(path)).toEqual(US);
});

rooted('a planted link changes its own owner only, and is not entered', async () => {
  symlinkSync(join(base, 'outside'), join(base, 'tree/folder'));
  symlinkSync(join(base, 'outside/secret'), join(base, 'tree/a b/secret'));
  await untrusted.setOwners(join(base, 'tree'), () => US);

  expect(ownerOf('outside')).toEqual({ uid: 0, gid: 0 });
  expect(ownerOf('outside/secret')).toEqual({ uid: 0, gid: 0 });
  expect(ownerOf('tree/folder')).toEqual(US);
});

rooted('the rule sees the present owner, and null leaves it', async () => {
  const path = join(base, 'tree/a b/c/file');
  lchownSync(path, 7, 8);
  linkSync(path, join(base, 'tree/second'));
  const present: unknown[] = [];
  await untrusted.setOwners(join(base, 'tree'), (parts, owner) => {
    if (parts.at(-1) === 'file') present.push(owner);
    return null;
  });

  expect(present).toEqual([{ uid: 7, gid: 8 }]);
  expect(ownerOf('tree/second')).toEqual({ uid: 7, gid: 8 });
});

test('a missing tree has nothing to change', async () => {
  expect(await untrusted.setOwners(join(base, 'nothing'), () => US)).toBe(0);
});
