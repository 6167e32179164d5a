// The state of the appliance: container, daemons, ports, accounts, disk space, image.

import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import { queryInitPid } from '../../host/lxc.ts';
import { readDirectory } from '../accounts/accounts.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { DEFAULT_ADDRESS } from '../container/network.ts';
import { type LogLine, readLog } from '../mail/logs.ts';
import { describeTrial, LOGIN_LIMIT_MS, type LoginTrial, tryLogin } from '../probe/login-trial.ts';
import { type DaemonStatus, queryDaemons } from './daemons.ts';
import { type ImageStatus, queryImage } from './image.ts';
import { type NetworkStatus, queryNetwork } from './network.ts';
import { type PortStatus, queryPorts } from './ports.ts';
import { measureStorage, type StorageStatus } from './storage.ts';

export interface Trouble {
  readonly message: string;
  /** One command to type next. */
  readonly hint: string;
  /** The last log lines of the daemon. */
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
  /** Result of a login; null if none was tried. */
  readonly login: LoginTrial['outcome'] | null;
}

const LAST_LINES = 5;

/** The address of the running container; the UCI option may differ until `apply`. */
async function queryAddress(host: Host, { settings, paths }: Appliance): Promise<string> {
  const config = (await host.files.read(paths.lxcConfig)) ?? '';
  const given = /^lxc\.net\.0\.ipv4\.address = (\S+)$/m.exec(config)?.[1];
  return bareAddress(given ?? settings.network.address ?? DEFAULT_ADDRESS);
}

/** The daemon of a port, by its UCI name. */
function listenerOf(port: string): string {
  return ['smtp', 'submission', 'smtps'].includes(port) ? 'postfix' : 'dovecot';
}

function describeDaemon({ name, state, deaths }: DaemonStatus): string {
  return state === 'down' ? `${name} is down` : `${name} ended ${deaths} times in the last minute`;
}

interface Found {
  readonly daemons: readonly DaemonStatus[];
  readonly ports: readonly PortStatus[];
  readonly login: LoginTrial | null;
  readonly address: string;
  readonly network: NetworkStatus;
}

function networkTroubles({ network, address }: Found): Trouble[] {
  const { veth, attached, reachable } = network;
  const hint = 'mailctl apply';
  if (!attached) {
    const message = `the container's interface ${veth} is not attached to a bridge`;
    return [{ message, hint, log: [] }];
  }
  return reachable ? [] : [{ message: `${address} does not answer`, hint, log: [] }];
}

/** A failed login is not reported if Dovecot is down or not listening, which explains it. */
function loginTroubles({ daemons, ports, login, network }: Found): Trouble[] {
  if (login === null || login.outcome === 'works') return [];
  const listening = ports.some((port) => port.name === login.service && port.listening);
  const up = daemons.some(({ name, state }) => name === 'dovecot' && state === 'up');
  if (!listening || !up || !network.attached || !network.reachable) return [];
  const hint =
    login.outcome === 'silent'
      ? 'mailctl doctor --only service.login --fix'
      : 'mailctl logs 50 --daemon dovecot';
  return [{ message: describeTrial(login, LOGIN_LIMIT_MS), hint, log: [] }];
}

/** Dovecot counts as failing if it runs but does not answer a login. */
function withoutAnswer(daemons: readonly DaemonStatus[], login: LoginTrial | null): DaemonStatus[] {
  return daemons.map((daemon) => {
    const hangs = daemon.name === 'dovecot' && daemon.state === 'up' && login?.outcome === 'silent';
    return hangs ? { ...daemon, state: 'failing' } : daemon;
  });
}

/** The problems of a running container. */
async function findTroubles(host: Host, { paths }: Appliance, found: Found): Promise<Trouble[]> {
  const troubles = networkTroubles(found);
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
    troubles.push({ message: `port ${port} (${name}) is not listening`, hint, log: [] });
  }
  return [...troubles, ...loginTroubles(found)];
}

async function judge(
  host: Host,
  target: Appliance,
  found: Omit<Found, 'network'> & { image: ImageStatus | null; network: NetworkStatus | null },
): Promise<Pick<ApplianceStatus, 'state' | 'troubles'>> {
  const { network } = found;
  if (network !== null) {
    const troubles = await findTroubles(host, target, { ...found, network });
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
  // the query in the container runs while the rest is read
  const asked = pid === null ? Promise.resolve([]) : queryDaemons(host, container);
  const tried = pid === null ? Promise.resolve(null) : tryLogin(host, target, LOGIN_LIMIT_MS);
  const address = await queryAddress(host, target);
  const attachment = pid === null ? null : queryNetwork(host, paths, address);
  const [network, daemons, login, ports, image, { directory }, storage] = await Promise.all([
    attachment,
    asked,
    tried,
    queryPorts(host, settings, pid),
    queryImage(host, paths),
    readDirectory(host, target),
    measureStorage(host, paths, limit),
  ]);
  return {
    ...(await judge(host, target, { network, daemons, ports, image, login, address })),
    address,
    hostname: settings.main.hostname,
    domain: settings.main.domain,
    daemons: withoutAnswer(daemons, login),
    ports,
    mailboxes: directory.mailboxes.size,
    storage,
    image,
    login: login?.outcome ?? null,
  };
}
