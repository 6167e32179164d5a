// A checked pair goes into service: installed in one step, taken up by the daemons, seen on every port.

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

/** Makes running daemons read the certificate again. False when nothing runs. */
export async function reloadTls(host: Host, target: Appliance): Promise<boolean> {
  if (!(await isRunning(host, containerRef(target)))) return false;
  const failures: unknown[] = [];
  for (const daemon of DAEMONS) {
    // one that is down must not keep the other from its reload
    await reloadDaemon(host, target, daemon).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
  return true;
}

/** A daemon that cannot reload shows on its ports; anything but a refusal is thrown. */
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
 * Throws PROBE_FAILED when a port does not show the pair: the pair has passed every check, so it stays
 * installed and the port is what must be mended.
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
    ({ name, port, problem }) => `${name} (${port}): ${problem ?? 'another'}`,
  );
  throw new MailctlError(
    'PROBE_FAILED',
    `the new certificate is installed, and is not shown on ${ports.join('; ')}`,
    { hint: 'mailctl restart' },
  );
}
