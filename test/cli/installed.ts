// A router on which the mail server is installed, as far as the host's files tell: image, DKIM key, programs.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createRunningRouter, type RunningRouter } from './running.ts';

const UCI = '/etc/config/mailserver';
export const IMAGE = 'b'.repeat(64);
export const MANIFEST = {
  v: 1,
  variant: 'standard',
  architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
  debian: '13',
  recipe_sha256: 'a'.repeat(64),
  image_sha256: IMAGE,
  image_bytes: 49_250_304,
  created_from: { suite: 'trixie', point_release: '13.1', source_date_epoch: 1_757_000_000 },
  packages: { postfix: '3.10.4-1~deb13u1' },
};

export const ID = '4jWdjv4LhZznQMS';
export const MESSAGE = JSON.stringify({
  queue_name: 'deferred',
  queue_id: ID,
  arrival_time: 1795233539,
  message_size: 448,
  forced_expire: false,
  sender: 'alice@example.com',
  recipients: [{ address: 'bob@example.org', delay_reason: 'later' }],
});

export interface InstalledRouter extends RunningRouter {
  /** Whether the container runs, from now on. */
  up(runs: boolean): void;
}

/**
 * The container is down at first. /etc/config/selfsigned is the UCI file with ssl.type 'selfsigned'.
 * @param answers as of `createRunningRouter`
 */
export function createInstalledRouter(answers: string): InstalledRouter {
  const router = createRunningRouter(answers);
  for (const name of ['lxc-start', 'lxc-stop', 'ip', 'nft', 'mount', 'losetup']) {
    router.write(`/bin/${name}`, '#!/bin/sh\n', 0o755);
  }
  router.write('/proc/sys/kernel/osrelease', '6.6.0\n');
  router.write('/proc/filesystems', 'nodev\tproc\n\tsquashfs\n');
  router.write('/etc/resolv.conf', '');
  const uci = readFileSync(join(router.root, UCI), 'utf8');
  const enabled = uci.replace(/'main'/, "'main'\n\toption enabled '1'");
  router.write(UCI, enabled);
  router.write(
    '/etc/config/selfsigned',
    enabled.replace(/'ssl'/, "'ssl'\n\toption type 'selfsigned'"),
  );
  const images = '/srv/lxc/router-of-tests/images';
  router.write(`${images}/${IMAGE}/manifest.json`, JSON.stringify(MANIFEST));
  symlinkSync(IMAGE, join(router.root, images, 'current'));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  router.write('/srv/mailserver/dkim/example.com/mail.private', pem, 0o600);
  const up = (runs: boolean) => {
    router.write('/bin/lxc-info', `#!/bin/sh\n${runs ? 'echo 4242' : 'exit 1'}\n`, 0o755);
  };
  up(false);
  return { ...router, up };
}
