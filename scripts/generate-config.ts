// Generates the files that are made from the option table. Run it after a change of src/appliance/settings/options.ts:
//   npx bun scripts/generate-config.ts

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatOptionsPage, formatShippedFile } from '../src/appliance/settings/documents.ts';
import { OPTIONS } from '../src/appliance/settings/options.ts';
import { RELAY } from '../src/appliance/settings/relay-section.ts';

const ROOT = join(import.meta.dir, '..');
const GENERATED = {
  'files/etc/config/mailserver': formatShippedFile(OPTIONS),
  'docs/options.md': formatOptionsPage({ ...OPTIONS, NAME: RELAY }),
};

for (const [path, text] of Object.entries(GENERATED)) {
  const file = join(ROOT, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
