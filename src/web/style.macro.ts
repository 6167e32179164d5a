// Runs while bundling: embeds the style sheet.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function readStyle(): string {
  return readFileSync(join(import.meta.dir, 'style.css'), 'utf8');
}
