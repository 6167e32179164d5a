// The state of the appliance, found out in one go: container, daemons, ports, accounts, room, image.

import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import { queryInitPid } from '../../host/lxc.ts';
import { readDirectory } from '../accounts/accounts.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { DEFAULT_ADDRESS } from '../container/network.ts';
import { type LogLine, readLog } from '../mail/logs.ts';
import { type DaemonStatus, queryDaemons } from './daemons.ts';
import { type ImageStatus, queryImage } from './image.ts';
import { type PortStatus, queryPorts } from './ports.ts';
import { measureStorage, type StorageStatus } from './storage.ts';

export interface Trouble {
  readonly message: string;
  /** One command to type next. */
  readonly hint: string;
  /** What the daemon wrote last. */
  readonly log: readonly LogLine[];
}

export interface ApplianceStatus {
  readonly state: 'running' | 'stopped' | 'absent' | 'degraded';
  /** Why it is not `running`. */
  readonly troubles: readonly Trouble[];
  /** IPv4 of the container, without prefix length. */
  readonly address: string;
  readonly hostname: string;
  readonly domain: string;
  readonly daemons: readonly DaemonStatus[];
  readonly ports: readonly PortStatus[];
  readonly mailboxes: number;
  readonly storage: StorageStatus;
  readonly image: ImageStatus | null;
}

const LAST_LINES = 5;

/** The address that the container was started with; what UCI asks for may differ until `apply`. */
async function queryAddress(host: Host, { settings, paths }: Appliance): Promise<string> {
  const config = (await host.files.read(paths.lxcConfig)) ?? '';
  const given = /^lxc\.net\.0\.ipv4\.address = (\S+)$/m.exec(config)?.[1];
  return bareAddress(given ?? settings.network.address ?? DEFAULT_ADDRESS);
}

/** Which daemon has the ports of UCI's names. */
function listenerOf(port: string): string {
  return ['smtp', 'submission', 'smtps'].includes(port) ? 'postfix' : 'dovecot';
}

function describeDaemon({ name, state, deaths }: DaemonStatus): string {
  return state === 'down' ? `${name} is down` : `${name} ended ${deaths} times in the last minute`;
}

/** What keeps a running container from being well. */
async function findTroubles(
  host: Host,
  { paths }: Appliance,
  found: { daemons: readonly DaemonStatus[]; ports: readonly PortStatus[] },
): Promise<Trouble[]> {
  const troubles: Trouble[] = [];
  const sick = found.daemons.filter(({ state }) => state !== 'up');
  for (const daemon of sick) {
    const wanted = { daemon: daemon.name, count: LAST_LINES };
    const log = daemon.state === 'failing' ? (await readLog(host, paths, wanted)).lines : [];
    const hint = `mailctl logs 50 --daemon ${daemon.name}`;
    troubles.push({ message: describeDaemon(daemon), hint, log });
  }
  if (found.daemons.length === 0) {
    const message = 'no daemon has been started in the container';
    troubles.push({ message, hint: 'mailctl restart', log: [] });
  }
  for (const { name, port } of found.ports.filter(({ listening }) => !listening)) {
    const hint = `mailctl logs 50 --daemon ${listenerOf(name)}`;
    troubles.push({ message: `nobody listens on port ${port} (${name})`, hint, log: [] });
  }
  return troubles;
}

async function judge(
  host: Host,
  target: Appliance,
  found: Pick<ApplianceStatus, 'daemons' | 'ports' | 'image'> & { pid: number | null },
): Promise<Pick<ApplianceStatus, 'state' | 'troubles'>> {
  if (found.pid !== null) {
    const troubles = await findTroubles(host, target, found);
    return { state: troubles.length === 0 ? 'running' : 'degraded', troubles };
  }
  const absent = found.image === null;
  const message = absent ? 'it is not installed' : 'the container is not running';
  const hint = absent ? 'mailctl install' : 'mailctl start';
  return { state: absent ? 'absent' : 'stopped', troubles: [{ message, hint, log: [] }] };
}

/** @param limit milliseconds to spend on counting the stored bytes; null for as long as it takes */
export async function queryStatus(
  host: Host,
  target: Appliance,
  limit: number | null,
): Promise<ApplianceStatus> {
  const { settings, paths } = target;
  const container = containerRef(target);
  const pid = await queryInitPid(host, container);
  // the container works on its answer while the rest is looked up
  const asked = pid === null ? Promise.resolve([]) : queryDaemons(host, container);
  const [daemons, ports, image, address, { directory }, storage] = await Promise.all([
    asked,
    queryPorts(host, settings, pid),
    queryImage(host, paths),
    queryAddress(host, target),
    readDirectory(host, target),
    measureStorage(host, paths, limit),
  ]);
  return {
    ...(await judge(host, target, { pid, daemons, ports, image })),
    address,
    hostname: settings.main.hostname,
    domain: settings.main.domain,
    daemons,
    ports,
    mailboxes: directory.mailboxes.size,
    storage,
    image,
  };
}
