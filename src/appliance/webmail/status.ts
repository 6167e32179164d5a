// The state of webmail: whether it runs, which version, whether a login works.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { networkInUse } from '../container/host-part.ts';
import { currentImage } from '../container/image.ts';
import { readProbePassword } from '../probe/secret.ts';
import { type DaemonStatus, queryDaemons } from '../status/daemons.ts';
import { fingerprintOf } from '../tls/certificate.ts';
import { findWebContainer, webNames } from './desired.ts';
import { mailPair } from './pair.ts';
import { probeWeb, webPlace } from './probe.ts';

export interface WebmailStatus {
  readonly state: 'running' | 'degraded' | 'stopped' | 'absent';
  readonly container: string;
  /** IPv4 of the web container; null while it is absent. */
  readonly address: string | null;
  readonly url: string;
  /** Of Roundcube, as Debian's package names it. */
  readonly version: string | null;
  /** The mail server that it logs in to. */
  readonly server: string;
  readonly daemons: readonly DaemonStatus[];
  /** Why it is not `running`. */
  readonly problem: string | null;
}

const ANSWER_MS = 8000;

/** Where people find webmail: its own name where one is published, with the port unless it is that of HTTPS. */
export async function webmailUrl(host: Host, target: Appliance): Promise<string> {
  const { main, web } = target.settings;
  const names = await webNames(host, target);
  const name = names.find((one) => one === `webmail.${main.domain}`) ?? main.hostname;
  return `https://${name}${web.https === 443 ? '' : `:${web.https}`}/`;
}

async function problemOf(host: Host, target: Appliance, address: string): Promise<string | null> {
  const fingerprint = fingerprintOf((await mailPair(host, target)).chain[0]);
  const password = await readProbePassword(host, target.paths);
  const place = webPlace(target.settings, { address, fingerprint, password });
  try {
    await probeWeb(host, place, ANSWER_MS);
    return null;
  } catch (error) {
    if (error instanceof MailctlError) return error.message;
    throw error;
  }
}

const sickDaemon = (daemons: readonly DaemonStatus[]): string | null => {
  const sick = daemons.find(({ state }) => state !== 'up');
  return sick === undefined ? null : `${sick.name} is ${sick.state}`;
};

export async function queryWebmail(host: Host, target: Appliance): Promise<WebmailStatus> {
  const container = await findWebContainer(host, target);
  const { paths, settings, shape } = container;
  const image = await currentImage(host, paths);
  const network = image === null ? null : await networkInUse(host, paths);
  const address = network === null ? null : bareAddress(network.address);
  const common = {
    ...{ container: settings.main.container, address },
    url: await webmailUrl(host, target),
    version: image?.manifest.packages['roundcube-core'] ?? null,
    server: `${settings.main.hostname} (${shape.destinations[0]?.to ?? 'no address'})`,
  };
  if (image === null || address === null) {
    return { ...common, state: 'absent', daemons: [], problem: 'webmail is not installed' };
  }
  if (!(await isRunning(host, containerRef(container)))) {
    return { ...common, state: 'stopped', daemons: [], problem: 'the web container does not run' };
  }
  const daemons = await queryDaemons(host, containerRef(container));
  const problem = sickDaemon(daemons) ?? (await problemOf(host, target, address));
  return { ...common, state: problem === null ? 'running' : 'degraded', daemons, problem };
}
