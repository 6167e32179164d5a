// What features.virus_scan needs before the first message is scanned: an image with ClamAV, and signatures. Without
// either, all mail would be deferred and the probe would fail.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { currentImage, requireScanner } from '../container/image.ts';
import { readLog } from '../mail/logs.ts';
import type { Paths } from '../paths.ts';

const FOLDER = 'clamav';
// The same as in lxc-template/mail/rootfs/etc/s6/services/clamav/run
const SIGNATURES = /\.(?:c[lv]d|[hlnm][dsu]b)$/;

async function hasSignatures(host: Host, { state }: Paths): Promise<boolean> {
  let found = false;
  await host.untrusted.walk(state, [FOLDER], ({ folder, name, size }) => {
    found ||= folder === '' && SIGNATURES.test(name) && size() > 0;
  });
  return found;
}

/** Throws SIGNATURES_MISSING when virus_scan is on and nothing has been downloaded yet. */
export async function requireSignatures(host: Host, { settings, paths }: Appliance): Promise<void> {
  if (!settings.features.virusScan || (await hasSignatures(host, paths))) return;
  const folder = join(paths.state, FOLDER);
  throw new MailctlError(
    'SIGNATURES_MISSING',
    `features.virus_scan is 1, and ${folder} has no virus signatures: all mail would be deferred until they are downloaded`,
    {
      hint: 'repeat install or apply with --wait-for-signatures, or: mailctl set features.virus_scan 0',
    },
  );
}

/**
 * Throws IMAGE_INVALID when the image in use has no ClamAV, else SIGNATURES_MISSING.
 * @param waits the command waits for the first signatures
 */
export async function requireVirusScan(
  host: Host,
  target: Appliance,
  { waits = false }: { waits?: boolean } = {},
): Promise<void> {
  if (!target.settings.features.virusScan) return;
  const image = await currentImage(host, target.paths);
  if (image !== null) requireScanner(target.settings, image.manifest, 'in use');
  if (!waits) await requireSignatures(host, target);
}

const DOWNLOAD_LIMIT_MS = 1_800_000;
const INTERVAL_MS = 2000;

async function lastWords(host: Host, paths: Paths): Promise<string> {
  const { lines } = await readLog(host, paths, { count: 1, daemon: 'freshclam' });
  return lines[0]?.text ?? 'it has logged nothing';
}

/** Waits for freshclam in the running container. Throws SIGNATURES_MISSING with its last line. */
export async function awaitSignatures(host: Host, { settings, paths }: Appliance): Promise<void> {
  if (!settings.features.virusScan || (await hasSignatures(host, paths))) return;
  host.say('freshclam is downloading the virus signatures; mail is deferred until they are there');
  const deadline = host.clock.now().getTime() + DOWNLOAD_LIMIT_MS;
  do {
    if (host.clock.now().getTime() > deadline) {
      const said = await lastWords(host, paths);
      throw new MailctlError('SIGNATURES_MISSING', `no virus signatures after 30 minutes: ${said}`);
    }
    await host.clock.sleep(INTERVAL_MS);
  } while (!(await hasSignatures(host, paths)));
}
