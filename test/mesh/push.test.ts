// A push to a store, and what a prune leaves there.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MailctlError } from '../../src/errors.ts';
import { createHost, type Host } from '../../src/host/host.ts';
import type { Manifest } from '../../src/mesh/archive/manifest.ts';
import { openFolder } from '../../src/mesh/peers/folder-store.ts';
import { type LocalBackup, pruneStore, pushTo } from '../../src/mesh/push.ts';
import type { ArchiveStore } from '../../src/mesh/store.ts';

const RULE = { hourly: 2, daily: 1, weekly: 1, monthly: 1 };
const HOUR = 3_600_000;

let root: string;
let host: Host;
let store: ArchiveStore;
const pathOf = (name: string) => `/outbox/${name}`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'push-'));
  for (const folder of ['outbox', 'disk/box']) mkdirSync(join(root, folder), { recursive: true });
  host = createHost({ root, env: {}, say: () => undefined });
  store = openFolder(host, '/disk', 'box');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function make(name: string, text: string) {
  writeFileSync(join(root, 'outbox', name), text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  return { name, size: text.length, sha256, unpacked: 0, path: pathOf(name) };
}

const archive = (sequence: number) =>
  make(`${sequence}-1.tar.zst.age`, `content of backup ${sequence}`);

/** A backup that needs the archives of these older ones. */
function backup(sequence: number, needs: readonly number[] = []): LocalBackup {
  const time = new Date(Date.now() - (100 - sequence) * HOUR).toISOString();
  const manifest: Manifest = {
    ...{ v: 1, box: 'box', sequence, parent: null, time, recipients: [] },
    ...{ archives: [archive(sequence)], needs: needs.map(archive), lists: [] },
    counts: { messages: 0, files: 0, bytes: 0, left_out: 0 },
  };
  return { manifest, file: make(`${sequence}.manifest.json`, JSON.stringify(manifest)) };
}

const there = () => readdirSync(join(root, 'disk/box')).sort();

test('what the store lacks is sent, and the manifest last', async () => {
  const order: string[] = [];
  const noting: ArchiveStore = {
    ...store,
    put: (file, progress) => {
      order.push(file.name);
      return store.put(file, progress);
    },
  };
  await pushTo(host, noting, { backup: backup(1), pathOf });
  const second = await pushTo(host, noting, { backup: backup(2, [1]), pathOf });
  const again = await pushTo(host, noting, { backup: backup(2, [1]), pathOf });

  expect(order).toEqual([1, 2].flatMap((one) => [`${one}-1.tar.zst.age`, `${one}.manifest.json`]));
  expect([second.files, again.files, again.bytes]).toEqual([2, 0, 0]);
});

test('an archive that nobody has any more keeps the manifest away, and is named', async () => {
  const second = backup(2, [1]);
  rmSync(join(root, 'outbox/1-1.tar.zst.age'));
  const { lacking } = await pushTo(host, store, { backup: second, pathOf });

  expect(lacking).toEqual(['1-1.tar.zst.age']);
  expect(there()).toEqual(['2-1.tar.zst.age']);
});

test('a file of another size at the store does not count as the archive, and is not replaced', async () => {
  writeFileSync(join(root, 'disk/box/1-1.tar.zst.age'), 'something else');
  const { lacking } = await pushTo(host, store, { backup: backup(1), pathOf });

  expect(lacking).toEqual(['1-1.tar.zst.age']);
  expect(there()).toEqual(['1-1.tar.zst.age']);
});

async function pushAll(): Promise<ReadonlyMap<string, Manifest>> {
  const backups = [1, 2, 3, 4, 5, 6].map((one) => backup(one, one > 1 ? [1] : []));
  for (const one of backups) await pushTo(host, store, { backup: one, pathOf });
  return new Map(backups.map(({ file, manifest }) => [file.name, manifest]));
}

const work = (known: ReadonlyMap<string, Manifest>) => ({
  ...{ rule: RULE, verified: null },
  manifestOf: async (name: string) => known.get(name) ?? null,
});

test('a prune removes old backups and keeps the archives that others need', async () => {
  const known = await pushAll();
  const removed = await pruneStore(host, store, work(known));

  expect(there().filter((name) => name.endsWith('.json'))).toEqual(
    [4, 5, 6].map((one) => `${one}.manifest.json`),
  );
  expect(there().filter((name) => name.endsWith('.age'))).toEqual(
    [1, 4, 5, 6].map((one) => `${one}-1.tar.zst.age`),
  );
  expect(removed).toBe(3 + 2);
});

test('a backup whose manifest the peer protects keeps its archives', async () => {
  const known = await pushAll();
  const guarded: ArchiveStore = {
    ...store,
    remove: async (names) => {
      if (names.includes('2.manifest.json'))
        throw new MailctlError('PEER_REFUSED', 'inside the protected window');
      await store.remove(names);
    },
  };
  await pruneStore(host, guarded, work(known));

  expect(there()).toContain('2-1.tar.zst.age');
  expect(there()).not.toContain('3-1.tar.zst.age');
});

test('a peer that goes away ends the prune', async () => {
  const known = await pushAll();
  const gone: ArchiveStore = {
    ...store,
    remove: () => Promise.reject(new MailctlError('PEER_AWAY', 'it does not answer')),
  };

  expect(pruneStore(host, gone, work(known))).rejects.toThrow('does not answer');
});
