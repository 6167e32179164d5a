import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFiles } from '../../src/host/files.ts';

describe('files of the host', () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'mailctl-files-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  test('replacing a file sets text and mode, and leaves no temporary file', async () => {
    const files = createFiles(root);
    await files.replace('/a', 'one', { mode: 0o640 });
    await files.replace('/a', 'two', { mode: 0o600 });
    expect(await files.read('/a')).toBe('two');
    expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o600);
    expect(await readdir(root)).toEqual(['a']);
  });

  test('a write that fails leaves the old file and nothing else', async () => {
    const files = createFiles(root);
    await files.makeDirectory('/d', { mode: 0o755 });
    await expect(files.replace('/d', 'text', { mode: 0o600 })).rejects.toThrow('cannot write /d');
    expect(await readdir(root)).toEqual(['d']);
  });

  test('a write removes what killed writers of the same file have left, and nothing of others', async () => {
    const files = createFiles(root);
    // above the largest process id of Linux
    const abandoned = '.a.4194305.1.tmp';
    const kept = [`.a.${process.ppid}.1.tmp`, '.ab.4194305.1.tmp', '.a.notes.tmp'];
    for (const name of [abandoned, ...kept]) await writeFile(join(root, name), 'half');
    await files.replace('/a', 'text', { mode: 0o600 });
    expect((await readdir(root)).sort()).toEqual([...kept, 'a'].sort());
  });

  test('replacing a link replaces the link, not its target', async () => {
    const files = createFiles(root);
    await writeFile(join(root, 'target'), 'precious');
    await symlink(join(root, 'target'), join(root, 'link'));
    await files.replace('/link', 'new', { mode: 0o600 });
    expect(await files.read('/target')).toBe('precious');
  });

  test('a missing file reads as null, a missing folder lists as empty', async () => {
    const files = createFiles(root);
    expect(await files.read('/none')).toBeNull();
    expect(await files.stat('/none/deeper')).toBeNull();
    expect(await files.list('/none')).toEqual([]);
  });

  test('a link is created, then switched', async () => {
    const files = createFiles(root);
    await files.link('one', '/current');
    await files.link('two', '/current');
    expect(await files.readLink('/current')).toBe('two');
  });

  test('makeDirectory names a file in the way', async () => {
    const files = createFiles(root);
    await writeFile(join(root, 'x'), '');
    await expect(files.makeDirectory('/x', { mode: 0o755 })).rejects.toThrow('/x');
  });
});
