// Puts a checked pair into service: installs it atomically, reloads the daemons, verifies every port.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { reloadDaemon } from '../container/daemons.ts';
import { addressInUse } from '../container/host-part.ts';
import { type CertificatePair, fingerprintOf, formatPair } from './certificate.ts';
import { portsWithout } from './served.ts';
import { installPair } from './store.ts';

const DAEMONS = ['postfix', 'dovecot'] as const;

/** Reloads the running daemons. False if the container does not run. */
export async function reloadTls(host: Host, target: Appliance): Promise<boolean> {
  if (!(await isRunning(host, containerRef(target)))) return false;
  const failures: unknown[] = [];
  for (const daemon of DAEMONS) {
    // if one daemon is down, the other must still be reloaded
    await reloadDaemon(host, target, daemon).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
  return true;
}

/** Prints a failed reload and continues: the check of the ports detects it. */
async function tryReload(host: Host, target: Appliance): Promise<boolean> {
  try {
    return await reloadTls(host, target);
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    host.say(error.message);
    return true;
  }
}

/**
 * Throws PROBE_FAILED if a port does not show the pair. The pair has passed every check and stays installed; the
 * operator has to fix the port.
 */
export async function putIntoService(
  host: Host,
  target: Appliance,
  pair: CertificatePair,
): Promise<{ running: boolean }> {
  await installPair(host, target, formatPair(pair));
  if (!(await tryReload(host, target))) return { running: false };
  const address = await addressInUse(host, target.paths);
  const fingerprint = fingerprintOf(pair.chain[0]);
  const wrong = await portsWithout(host, target, { address, fingerprint });
  if (wrong.length === 0) return { running: true };
  const ports = wrong.map(
    ({ name, port, problem }) => `${name} (${port}): ${problem ?? 'another certificate'}`,
  );
  throw new MailctlError(
    'PROBE_FAILED',
    `the new certificate is installed, but is not shown on ${ports.join('; ')}`,
    { hint: 'mailctl restart' },
  );
}
