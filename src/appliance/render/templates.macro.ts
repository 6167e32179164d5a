// Runs while bundling: embeds the text of every template, so that the binary has those of its version.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const RECIPE = join(import.meta.dir, '../../../lxc-template');

/** Path inside the container → text of the template. */
export function readTemplates(image: 'mail' | 'web'): Record<string, string> {
  const root = join(RECIPE, image, 'rootfs');
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    files.map((file) => [file.slice(root.length), readFileSync(file, 'utf8')]),
  );
}

/** Path below lxc-template → text of the image recipe, which `mailctl install` runs without a ready image. */
export function readRecipe(): Record<string, string> {
  const files = ['.', 'mail', 'web'].flatMap((below) =>
    readdirSync(join(RECIPE, below), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(below, entry.name)),
  );
  return Object.fromEntries(
    files.sort().map((path) => [path, readFileSync(join(RECIPE, path), 'utf8')]),
  );
}
