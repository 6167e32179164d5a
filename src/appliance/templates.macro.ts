// Runs while bundling: the text of every template, so that one binary carries those of its own version.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOTFS = join(import.meta.dir, '../../lxc-template/rootfs');

/** Path inside the container → text of the template. */
export function readTemplates(): Record<string, string> {
  const files = readdirSync(ROOTFS, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    files.map((file) => [file.slice(ROOTFS.length), readFileSync(file, 'utf8')]),
  );
}

/** File name → text of the image recipe, which `mailctl install` runs where no image is at hand. */
export function readRecipe(): Record<string, string> {
  const folder = join(import.meta.dir, '../../lxc-template');
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
