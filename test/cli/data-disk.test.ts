// An installed server whose data disk is not mounted: an empty server in its place would refuse all mail.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInstalledRouter, type InstalledRouter, MESSAGE } from './installed.ts';

let router: InstalledRouter;
beforeEach(() => {
  router = createInstalledRouter(MESSAGE);
  rmSync(join(router.root, 'srv/mailserver'), { recursive: true });
  // the mount point
  router.write('/srv/mailserver/lost', '');
});
afterEach(() => router.remove());

test.each(['start', 'restart', 'apply', 'plan', 'start --dry-run'])(
  '%s without the accounts ends with 69 and writes nothing to the folder',
  async (line) => {
    const { status, stderr } = await router.mailctl(line);

    expect(status).toBe(69);
    expect(stderr).toContain('the data folder /srv/mailserver has no accounts');
    expect(stderr).toContain('hint: mount the disk of /srv/mailserver');
    expect(readdirSync(join(router.root, 'srv/mailserver'))).toEqual(['lost']);
  },
);
