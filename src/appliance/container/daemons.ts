// Reload and restart of the daemons inside the container.

import type { Host } from '../../host/host.ts';
import { runInside } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import type { Daemon } from '../render/managed-file.ts';
import { containerRef } from './container.ts';

const service = (name: Daemon) => `/run/service/${name}`;
// s6 runs a copy of the run script, which `apply` may have replaced; -wr waits until the old process has ended and
// the new one runs
const RESTART = `
cp "/etc/s6/services/$1/run" "/run/service/$1/.run"
mv "/run/service/$1/.run" "/run/service/$1/run"
exec s6-svc -wr -T 20000 -r "/run/service/$1"`;
const restart = (name: Daemon) => ['sh', '-ec', RESTART, 'restart', name];
const hangUp = (name: Daemon) => ['s6-svc', '-h', service(name)];

// Both instances of OpenDKIM: keys of both kinds change together
const READ_KEYS = `
for folder in ${service('opendkim')} ${service('opendkim-ed25519')}; do
  if [ -d "$folder" ]; then s6-svc -1 "$folder"; fi
done`;

// nginx keeps its configuration when the new one is wrong, so it is tested first; what it logs to must be a file of the
// container
const RELOAD_NGINX = `
nginx -t -q -c /etc/nginx/nginx.conf >/run/log.pipe 2>&1
exec s6-svc -h ${service('nginx')}`;

/** Valkey, ClamAV, PHP and postsrsd read their files only at start; old Rspamd workers outlive a reload by 20 s. */
const RELOAD: Readonly<Record<Daemon, readonly string[]>> = {
  postfix: ['postfix', 'reload'],
  dovecot: ['doveadm', 'reload'],
  rspamd: restart('rspamd'),
  opendkim: ['sh', '-ec', READ_KEYS],
  'opendkim-ed25519': restart('opendkim-ed25519'),
  postsrsd: restart('postsrsd'),
  unbound: hangUp('unbound'),
  valkey: restart('valkey'),
  fail2ban: ['fail2ban-client', 'reload'],
  clamav: restart('clamav'),
  nginx: ['sh', '-ec', RELOAD_NGINX],
  php: restart('php'),
};

/** Makes a running daemon read its files again without losing its work in progress. */
export async function reloadDaemon(host: Host, target: Appliance, daemon: Daemon): Promise<void> {
  await runInside(host, containerRef(target), RELOAD[daemon]);
}

export async function restartDaemon(host: Host, target: Appliance, daemon: Daemon): Promise<void> {
  await runInside(host, containerRef(target), restart(daemon));
}
