import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { managedFiles } from '../../../src/appliance/render/manifest.ts';
import { renderTemplate, withoutOverridden } from '../../../src/appliance/render/render.ts';
import { recipe, templates, webTemplates } from '../../../src/appliance/render/templates.ts';
import { allWebTemplates, webFiles } from '../../../src/appliance/render/web.ts';

const RECIPE = join(import.meta.dir, '../../../lxc-template');

function templatesOnDisk(image = 'mail'): Map<string, string> {
  const root = join(RECIPE, image, 'rootfs');
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.map((file) => [file.slice(root.length), readFileSync(file, 'utf8')]));
}

describe('the templates', () => {
  test('the embedded templates equal those on disk', () => {
    expect(new Map(Object.entries(templates))).toEqual(templatesOnDisk());
  });

  test('the manifest names each of them once and nothing else', () => {
    const named = managedFiles.map((file) => file.path).sort();
    expect(named).toEqual([...templatesOnDisk().keys()].sort());
  });

  test('the manifest of the web container names each of its own and some of the mail container', () => {
    expect(new Map(Object.entries(webTemplates))).toEqual(templatesOnDisk('web'));
    const named = webFiles.map((file) => file.path).sort();
    expect(named).toEqual(Object.keys(allWebTemplates).sort());
    expect(Object.values(allWebTemplates)).not.toContain('');
  });

  test('the image recipe is embedded', () => {
    expect(Object.keys(recipe)).toContain('build');
    expect(Object.keys(recipe)).toContain('web/packages');
  });

  test('a placeholder without a value is refused with its file', () => {
    expect(() => renderTemplate('/etc/x', 'a {{nobody}}', {})).toThrow(
      '/etc/x has the unknown placeholder {{nobody}}',
    );
  });

  test('no rendered file is writable by other users, and no secret is readable by them', () => {
    for (const { path, mode, secret } of [...managedFiles, ...webFiles]) {
      expect({ path, writable: mode & 0o022 }).toEqual({ path, writable: 0 });
      if (secret) expect({ path, readable: mode & 0o007 }).toEqual({ path, readable: 0 });
    }
  });
});

test('a parameter that the operator sets is not rendered a second time', () => {
  const ours = 'a = 1\n# about b\nb =\n  x,\n  y\nc = $b\n';
  expect(withoutOverridden(ours, 'b=z\n# c = 3\n')).toBe('a = 1\n# about b\nc = $b\n');
  expect(withoutOverridden(ours, '')).toBe(ours);
});
