// Runs while bundling: embeds the systemd unit, so that the binary has the one of its version.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function readUnit(): string {
  const path = '../../../files/etc/systemd/system/mailserver.service';
  return readFileSync(join(import.meta.dir, path), 'utf8');
}
