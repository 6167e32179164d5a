// Adding files of one tree to another where a container may have planted links.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MergeRule, mergeTrees } from '../../src/host/untrusted-merge.ts';

let root: string;
const at = (path: string) => join(root, path);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'merge-'));
  for (const name of ['from', 'to', 'outside']) mkdirSync(at(name));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text = path): void {
  mkdirSync(join(at(path), '..'), { recursive: true });
  writeFileSync(at(path), text);
}

const everything: MergeRule = ({ names }) => new Map(names.map((name) => [name, name]));

test('files are added with their folders, whose modes and owners are kept, and repeated it adds nothing', () => {
  put('from/a/cur/one');
  put('from/a/cur/two');
  put('to/a/cur/two', 'of the target');
  put('from/b/cur/three');
  const { mode } = statSync(at('from/b'));

  expect(mergeTrees(at('from'), at('to'), everything).files).toBe(2);
  expect(readFileSync(at('to/a/cur/one'), 'utf8')).toBe('from/a/cur/one');
  expect(readFileSync(at('to/a/cur/two'), 'utf8')).toBe('of the target');
  expect(statSync(at('to/b')).mode).toBe(mode);
  expect(mergeTrees(at('from'), at('to'), everything).files).toBe(0);
  expect(readdirSync(at('from/a/cur')).sort()).toEqual(['one', 'two']);
});

test('a folder that is made gets its empty folders, whichever comes first', () => {
  put('from/box/new/one');
  for (const name of ['cur', 'tmp', 'aaa', 'zzz']) mkdirSync(at(`from/box/${name}`));
  mkdirSync(at('from/empty/cur'), { recursive: true });

  expect(mergeTrees(at('from'), at('to'), everything).files).toBe(1);
  expect(readdirSync(at('to/box')).sort()).toEqual(['aaa', 'cur', 'new', 'tmp', 'zzz']);
  expect(existsSync(at('to/empty'))).toBe(false);
});

test('the rule gets the names of both sides, and chooses the new names', () => {
  put('from/x/new/m1');
  put('to/x/cur/m0:2,S');
  const seen: unknown[] = [];
  mergeTrees(at('from'), at('to'), (folder) => {
    if (folder.parts.length === 2) seen.push([folder.parts, folder.isNew, folder.beside('cur')]);
    return new Map(folder.names.map((name) => [name, `${name}-renamed`]));
  });

  expect(seen).toEqual([[['x', 'new'], true, ['m0:2,S']]]);
  expect(existsSync(at('to/x/new/m1-renamed'))).toBe(true);
});

test('a link in the place of a folder of the target is not followed', () => {
  put('from/mail/cur/one');
  mkdirSync(at('to/mail'));
  symlinkSync(at('outside'), at('to/mail/cur'));

  put('from/other/two');

  expect(mergeTrees(at('from'), at('to'), everything)).toMatchObject({
    files: 1,
    blocked: ['mail/cur'],
  });
  expect(readdirSync(at('outside'))).toEqual([]);
});

test('links in the source are neither followed nor added', () => {
  put('outside/secret');
  mkdirSync(at('from/mail'));
  symlinkSync(at('outside'), at('from/mail/cur'));
  symlinkSync(at('outside/secret'), at('from/mail/shadow'));

  expect(mergeTrees(at('from'), at('to'), everything).files).toBe(0);
  expect(existsSync(at('to/mail'))).toBe(false);
});

test('a source that is missing adds nothing', () => {
  expect(mergeTrees(at('nowhere'), at('to'), everything).files).toBe(0);
});
