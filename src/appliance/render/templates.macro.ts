// Runs while bundling: embeds the text of every template, so that the binary has those of its version.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOTFS = join(import.meta.dir, '../../../lxc-template/mail/rootfs');

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

/** Path below lxc-template → text of the image recipe, which `mailctl install` runs without a ready image. */
export function readRecipe(): Record<string, string> {
  const folder = join(import.meta.dir, '../../../lxc-template');
  const files = ['.', 'mail'].flatMap((below) =>
    readdirSync(join(folder, below), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(below, entry.name)),
  );
  return Object.fromEntries(
    files.sort().map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
  );
}
