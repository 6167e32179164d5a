// Runs ssl-setup or ssl-renew like mailctl, on the real host, and prints the number of reads of each state file:
// count-reads.ts setUp | renew [newKey]

import { basename, dirname, join } from 'node:path';
import { renew, setUp } from '../../../src/appliance/acme/renew.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { readSettings } from '../../../src/appliance/settings/uci-file.ts';
import { createHost, type Host } from '../../../src/host/host.ts';

const real = createHost({
  root: process.env.MAILCTL_ROOT ?? '/',
  env: process.env,
  say: (text) => console.error(text),
});
const reads: Record<string, number> = {};
const host: Host = {
  ...real,
  files: {
    ...real.files,
    read: (path) => {
      const name = join(basename(dirname(path)), basename(path));
      if (name.endsWith('.json')) reads[name] = (reads[name] ?? 0) + 1;
      return real.files.read(path);
    },
  },
};
const settings = await readSettings(host, '/etc/config/mailserver');
const target = { settings, paths: appliancePaths(settings) };
const byNow = { now: true, newKey: process.argv[3] === 'newKey', byHand: true };
const lock = { path: target.paths.lock, holder: 'the test', wait: 0 };
const { outcome } = await host.locks.hold(lock, () =>
  process.argv[2] === 'setUp' ? setUp(host, target) : renew(host, target, byNow),
);
console.log(JSON.stringify({ outcome, reads }));
