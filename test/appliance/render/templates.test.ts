import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { managedFiles } from '../../../src/appliance/render/manifest.ts';
import { renderTemplate, withoutOverridden } from '../../../src/appliance/render/render.ts';
import { recipe, templates } from '../../../src/appliance/render/templates.ts';

const ROOTFS = join(import.meta.dir, '../../../lxc-template/mail/rootfs');

function templatesOnDisk(): Map<string, string> {
  const entries = readdirSync(ROOTFS, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.map((file) => [file.slice(ROOTFS.length), readFileSync(file, 'utf8')]));
}

describe('the templates', () => {
  test('those on disk are those in the program', () => {
    expect(new Map(Object.entries(templates))).toEqual(templatesOnDisk());
  });

  test('the manifest names each of them once and nothing else', () => {
    const named = managedFiles.map((file) => file.path).sort();
    expect(named).toEqual([...templatesOnDisk().keys()].sort());
  });

  test('the recipe of the image is in the program', () => {
    expect(Object.keys(recipe)).toContain('build');
  });

  test('a placeholder nobody fills in is refused with its file', () => {
    expect(() => renderTemplate('/etc/x', 'a {{nobody}}', {})).toThrow(
      '/etc/x has the unknown placeholder {{nobody}}',
    );
  });

  test('no file that others may write, no secret that others may read', () => {
    for (const { path, mode, secret } of managedFiles) {
      expect({ path, writable: mode & 0o022 }).toEqual({ path, writable: 0 });
      if (secret) expect({ path, readable: mode & 0o007 }).toEqual({ path, readable: 0 });
    }
  });
});

test('what an operator sets himself is not there a second time', () => {
  const ours = 'a = 1\n# about b\nb =\n  x,\n  y\nc = $b\n';
  expect(withoutOverridden(ours, 'b=z\n# c = 3\n')).toBe('a = 1\n# about b\nc = $b\n');
  expect(withoutOverridden(ours, '')).toBe(ours);
});
