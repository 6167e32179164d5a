// The paths of one appliance on the host.

import { join } from 'node:path';
import type { Settings } from './settings/settings.ts';

export interface Paths {
  /** The UCI file; absolute, because restarted programs have another working folder. */
  readonly uciFile: string;
  readonly data: string;
  /** The accounts: text files, the source of truth. */
  readonly accounts: string;
  readonly directory: string;
  /** Generations of rendered configuration; the link `current` names the one in use. */
  readonly rendered: string;
  readonly mail: string;
  readonly queue: string;
  readonly state: string;
  readonly log: string;
  readonly ssl: string;
  readonly dkim: string;
  /** The secrets that sign SRS addresses. */
  readonly srsSecret: string;
  /** The last report. */
  readonly report: string;
  /** ACME account keys, orders and waiting keys; readable by the host's root only. */
  readonly acme: string;
  /** Operators' own additions to the daemons' configuration. */
  readonly custom: string;
  /** Backups: the identity of this box, archives on their way, archives of other boxes. */
  readonly mesh: string;
  /** LXC's folder of all containers; `container` is the one of this appliance. */
  readonly lxc: string;
  readonly container: string;
  readonly lxcConfig: string;
  readonly images: string;
  /** On tmpfs: empty after a reboot. */
  readonly run: string;
  readonly rootfs: string;
  readonly lock: string;
  /** Invitations and sessions of the account pages. */
  readonly selfService: string;
  /** The sockets of `mailctl web`; only root and its user can enter the folder. */
  readonly web: string;
  /** The folder of its socket to the web server in front, `web.sock`; mounted into the web container. */
  readonly webFront: string;
  /** The folder of its socket to `mailctl serve`. */
  readonly webDesk: string;
  /** The last run of every scheduled job and its result. */
  readonly schedule: string;
  /** The scheduler's log, in the format of `log`. */
  readonly scheduleLog: string;
  /** Held by the only `mailctl serve` of this appliance. */
  readonly serveLock: string;
  /** The job that `mailctl serve` has started; absent while it waits. */
  readonly serveJob: string;
  /** The start, stop or apply that `mailctl serve` has started; absent while it waits. */
  readonly serveStep: string;
  /** What `mailctl serve` waits for, for `status`; absent while it waits for nothing. */
  readonly serveWait: string;
  /** Present from `mailctl stop` to `mailctl start` or the next boot. */
  readonly stopped: string;
  /** Digest of the settings of the last complete start or apply. */
  readonly applied: string;
}

export const DEFAULT_UCI_FILE = '/etc/config/mailserver';
const DEFAULT_LXC_PATH = '/srv/lxc';

interface Places {
  readonly uciFile?: string;
  /** This host's default LXC path, used when main.lxc_path is not set. */
  readonly lxc?: string | undefined;
}

export function appliancePaths(settings: Settings, given: Places = {}): Paths {
  const { dataPath: data, container: name } = settings.main;
  const lxc = settings.main.lxcPath ?? given.lxc ?? DEFAULT_LXC_PATH;
  const run = join('/var/run/mailserver', name);
  return {
    uciFile: given.uciFile ?? DEFAULT_UCI_FILE,
    data,
    accounts: join(data, 'config'),
    directory: join(data, 'directory'),
    rendered: join(data, 'rendered'),
    mail: join(data, 'mail'),
    queue: join(data, 'queue'),
    state: join(data, 'state'),
    log: join(data, 'log'),
    ssl: join(data, 'ssl'),
    dkim: join(data, 'dkim'),
    srsSecret: join(data, 'srs.secret'),
    report: join(data, 'report.json'),
    acme: join(data, 'acme'),
    custom: join(data, 'custom'),
    mesh: join(data, 'mesh'),
    lxc,
    container: join(lxc, name),
    lxcConfig: join(lxc, name, 'config'),
    images: join(lxc, name, 'images'),
    run,
    rootfs: join(run, 'rootfs'),
    lock: join('/var/run/mailserver', `${name}.lock`),
    selfService: join(data, 'self-service'),
    web: join('/var/run/mailserver', `${name}.web`),
    webFront: join('/var/run/mailserver', `${name}.web`, 'front'),
    webDesk: join('/var/run/mailserver', `${name}.web`, 'desk'),
    schedule: join(data, 'schedule.json'),
    scheduleLog: join(data, 'schedule', 'log'),
    serveLock: join('/var/run/mailserver', `${name}.serve.lock`),
    serveJob: join('/var/run/mailserver', `${name}.serve.job`),
    serveStep: join('/var/run/mailserver', `${name}.serve.step`),
    serveWait: join('/var/run/mailserver', `${name}.serve.wait`),
    stopped: join('/var/run/mailserver', `${name}.stopped`),
    applied: join('/var/run/mailserver', `${name}.applied`),
  };
}
