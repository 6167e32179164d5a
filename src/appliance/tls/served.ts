// The certificate that each port of the running server shows, read over a connection.

import { MailctlError } from '../../errors.ts';
import { pollUntil } from '../../host/clock.ts';
import type { PeerCertificate } from '../../host/connect.ts';
import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { PROTOCOLS, type Service } from '../mail/protocols.ts';

export interface ServedPort {
  /** The option of the section `ports`. */
  readonly name: string;
  readonly port: number;
  /** SHA-256 of the certificate, lower-case hex; null if the port showed none. */
  readonly fingerprint: string | null;
  /** Why the port showed no certificate; null if it showed one. */
  readonly problem: string | null;
}

const DIALOGUE_TIMEOUT_MS = 8000;
const SETTLE_MS = 20_000;
const RETRY_MS = 250;

async function certificateOn(
  host: Host,
  service: Service,
  where: { address: string; port: number; hostname: string },
): Promise<PeerCertificate | null> {
  const { address, port, hostname } = where;
  const protocol = PROTOCOLS[service];
  const tls = protocol.implicitTls;
  const dialogue = { address, port, tls, serverName: hostname, timeout: DIALOGUE_TIMEOUT_MS };
  return host.sockets.dialogue(dialogue, async (talk, certificate) => {
    if (tls) return certificate;
    await protocol.greet(talk, hostname);
    await protocol.askForTls(talk);
    return talk.startTls();
  });
}

async function look(
  host: Host,
  service: Service,
  where: { address: string; port: number; hostname: string },
): Promise<ServedPort> {
  const port = { name: service, port: where.port };
  try {
    const certificate = await certificateOn(host, service, where);
    return { ...port, fingerprint: certificate?.fingerprint ?? null, problem: null };
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    return { ...port, fingerprint: null, problem: error.message };
  }
}

/**
 * Null if the container does not run.
 * @param address IPv4 of the container; null if it does not run
 */
export async function servedCertificates(
  host: Host,
  appliance: Appliance,
  address: string | null,
): Promise<ServedPort[] | null> {
  const { settings } = appliance;
  if (address === null || !(await isRunning(host, containerRef(appliance)))) return null;
  const services = (Object.keys(PROTOCOLS) as Service[]).flatMap((service) => {
    const port = settings.ports[service];
    return port === null ? [] : [{ service, port }];
  });
  const { hostname } = settings.main;
  return Promise.all(
    services.map(({ service, port }) => look(host, service, { address, port, hostname })),
  );
}

/** Ports that still do not show this certificate after SETTLE_MS. */
export async function portsWithout(
  host: Host,
  appliance: Appliance,
  wanted: { address: string | null; fingerprint: string },
): Promise<ServedPort[]> {
  let wrong: ServedPort[] = [];
  await pollUntil(host.clock, { timeout: SETTLE_MS, interval: RETRY_MS }, async () => {
    const ports = (await servedCertificates(host, appliance, wanted.address)) ?? [];
    wrong = ports.filter((port) => port.fingerprint !== wanted.fingerprint);
    return wrong.length === 0 ? true : null;
  });
  return wrong;
}
