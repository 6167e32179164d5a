// features.virus_scan without what it needs is refused before anything is changed, by every command in the same words.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstalledRouter, IMAGE, type InstalledRouter, MANIFEST } from './installed.ts';

const UCI = '/etc/config/mailserver';
const SIGNATURES = '/srv/mailserver/state/clamav';
const WITHOUT_CLAMAV =
  'error: features.virus_scan is 1, and the image in use has no ClamAV\nhint: ';
const WITHOUT_SIGNATURES = `error: features.virus_scan is 1, and ${SIGNATURES} has no virus signatures: all mail would be deferred until they are downloaded\nhint: repeat install or apply with --wait-for-signatures`;

let router: InstalledRouter;
beforeEach(() => {
  router = createInstalledRouter('');
  router.write('/srv/mailserver/config/users', '');
  const uci = readFileSync(join(router.root, UCI), 'utf8');
  const scanning = uci.replace("'features'", "'features'\n\toption virus_scan '1'");
  router.write(UCI, scanning.replace("'example.com'", "'example.test'\n\toption memory '2G'"));
});
afterEach(() => router.remove());

function useAntivirusImage(): void {
  const manifest = JSON.stringify({ ...MANIFEST, variant: 'antivirus' });
  router.write(`/srv/lxc/router-of-tests/images/${IMAGE}/manifest.json`, manifest);
}

test.each(['config check', 'plan', 'apply', 'apply --dry-run', 'apply --wait-for-signatures'])(
  '%s refuses the image without ClamAV',
  async (line) => {
    const { status, stdout, stderr } = await router.mailctl(line);

    expect({ status, stdout }).toEqual({ status: 65, stdout: '' });
    expect(stderr).toStartWith(WITHOUT_CLAMAV);
  },
);

test('install refuses the image without ClamAV in the same words', async () => {
  router.write(`${SIGNATURES}/daily.cvd`, 'signatures');

  const { status, stderr } = await router.mailctl('install');

  expect(status).toBe(65);
  expect(stderr).toStartWith(WITHOUT_CLAMAV);
});

test.each(['config check', 'plan', 'apply', 'install', 'install --dry-run'])(
  '%s refuses a server without virus signatures',
  async (line) => {
    useAntivirusImage();
    router.write(`${SIGNATURES}/daily.cvd`, '');
    router.write(`${SIGNATURES}/tmp.1/main.cvd`, 'half a download');

    const { status, stdout, stderr } = await router.mailctl(line);

    expect({ status, stdout }).toEqual({ status: 69, stdout: '' });
    expect(stderr).toStartWith(WITHOUT_SIGNATURES);
  },
);

test.each(['main.cvd', 'daily.cld', 'own.ndb'])(
  'with %s and ClamAV in the image, config check and plan end well',
  async (name) => {
    useAntivirusImage();
    router.write(`${SIGNATURES}/${name}`, 'signatures');

    expect(await router.mailctl('config check')).toMatchObject({ status: 0 });
    expect(await router.mailctl('plan')).toMatchObject({ status: 0 });
  },
);
