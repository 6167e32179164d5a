// Where everything of one appliance is, on the host and inside its container.

import { join } from 'node:path';
import type { Settings } from './settings/settings.ts';

export interface Paths {
  /** The UCI file, absolute: programs that are started again with it have another working folder. */
  readonly uciFile: string;
  readonly data: string;
  /** The accounts: text files, the source of truth. */
  readonly accounts: string;
  readonly directory: string;
  /** Generations of rendered configuration; `current` points to the one in use. */
  readonly rendered: string;
  readonly mail: string;
  readonly queue: string;
  readonly state: string;
  readonly log: string;
  readonly ssl: string;
  readonly dkim: string;
  /** What the last report said. */
  readonly report: string;
  /** Account keys, orders and keys in waiting: for root of the host alone. */
  readonly acme: string;
  /** Operators' own additions to the daemons' configuration. */
  readonly custom: string;
  /** Root of LXC's containers; the container's own folder is `container`. */
  readonly lxc: string;
  readonly container: string;
  readonly lxcConfig: string;
  readonly images: string;
  /** On tmpfs: gone after a reboot. */
  readonly run: string;
  readonly rootfs: string;
  readonly lock: string;
  /** What has been done when, and how that went. */
  readonly schedule: string;
  /** What the scheduler has to say, in the form of `log`. */
  readonly scheduleLog: string;
  /** Held by the one `mailctl serve` of this appliance. */
  readonly serveLock: string;
  /** Which process that one has started; there is no such file while it waits. */
  readonly serveJob: string;
}

export const DEFAULT_UCI_FILE = '/etc/config/mailserver';
const DEFAULT_LXC_PATH = '/srv/lxc';

interface Places {
  readonly uciFile?: string;
  /** Where this host's LXC keeps containers, used when UCI names none. */
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
    report: join(data, 'report.json'),
    acme: join(data, 'acme'),
    custom: join(data, 'custom'),
    lxc,
    container: join(lxc, name),
    lxcConfig: join(lxc, name, 'config'),
    images: join(lxc, name, 'images'),
    run,
    rootfs: join(run, 'rootfs'),
    lock: join('/var/run/mailserver', `${name}.lock`),
    schedule: join(data, 'schedule.json'),
    scheduleLog: join(data, 'schedule', 'log'),
    serveLock: join('/var/run/mailserver', `${name}.serve.lock`),
    serveJob: join('/var/run/mailserver', `${name}.serve.job`),
  };
}
