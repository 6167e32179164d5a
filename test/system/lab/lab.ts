// The whole test network in one call. One lab per prefix: a start removes the remains of an earlier one.

import { access, mkdir } from 'node:fs/promises';
import { ensureImage } from '../../../scripts/image.ts';
import { ROOT } from '../../../scripts/programs.ts';
import { type Appliance, type ApplianceSource, createAppliance } from './appliance.ts';
import { makeCertificate } from './certificate.ts';
import { type LabDns, startDns } from './dns.ts';
import { type LabHost, startHost } from './host.ts';
import { type Machine, startMachine } from './machine.ts';
import { type OutsideMx, startMx } from './mx.ts';
import { labDown, networkUp, onHost } from './network.ts';
import { DOMAINS, NETWORK, RUN_DIRECTORY } from './plan.ts';
import { waitFor } from './programs.ts';
import type { UciValues } from './uci.ts';
import { labZones } from './zones.ts';

export interface Lab {
  router: Machine;
  /** the outside world; `from` of a connection is the client's address */
  wan: LabHost;
  /** a client on the router's LAN */
  lan: LabHost;
  dns: LabDns;
  mx: OutsideMx;
  /** Writes a UCI file for a new mail server; the test runs `install`. */
  prepare(values?: UciValues, name?: string): Promise<Appliance>;
  /** Like `prepare`, but installed and running, with a mailbox for each name in `users`. */
  appliance(values?: UciValues, users?: string[]): Promise<Appliance>;
  source: ApplianceSource;
  down(): Promise<void>;
}

/**
 * Waits until Rspamd has compiled its patterns and restarted, once for each image: until then it defers
 * senders.
 */
export async function settled(box: Appliance, wan: LabHost): Promise<void> {
  const compiled = Bun.file(`${box.data}/state/rspamd/compiled`);
  await waitFor('Rspamd to have compiled its patterns', async () =>
    (await compiled.exists()) ? true : undefined,
  );
  await waitFor('port 25 to accept a sender', async () => {
    try {
      const session = await wan.smtp({ from: NETWORK.stranger });
      const hello = await session.hello();
      const sender = await session.command('MAIL FROM:<visitor@outside.test>');
      session.close();
      return hello.code === 250 && sender.code === 250 ? true : undefined;
    } catch {
      // the daemon is starting
      return undefined;
    }
  });
}

/** The password of every mailbox that `appliance` adds. */
export const PASSWORD = 'correct horse 7 battery';

export async function startLab(): Promise<Lab> {
  const binary = `${ROOT}/dist/mailctl`;
  await access(binary).catch(() => {
    throw new Error(`${binary} is missing: npm run build`);
  });
  const image = process.env.MAILSERVER_IMAGE ?? (await ensureImage());
  await labDown();
  await networkUp();
  await mkdir(RUN_DIRECTORY, { recursive: true });
  const router = await startMachine();
  const place = {
    command: (argv: string[]) => onHost('wan', argv),
    directory: `${RUN_DIRECTORY}/dns`,
    address: NETWORK.dns,
  };
  const dns = await startDns(place, labZones());
  const pair = await makeCertificate(RUN_DIRECTORY, [`mx.${DOMAINS.outside}`, DOMAINS.outside]);
  const mx = await startMx({ host: 'wan', address: NETWORK.mx, pair });
  const wan = await startHost('wan', NETWORK.router.wan);
  const lan = await startHost('lan', NETWORK.router.lan);
  const source = { machine: router, binary, image, dns };
  const prepare: Lab['prepare'] = (values = {}, name = 'box') =>
    createAppliance(source, name, values);
  return {
    router,
    wan,
    lan,
    dns,
    mx,
    source,
    prepare,
    appliance: async (values, users = []) => {
      const box = await prepare(values);
      await box.does('install');
      await settled(box, wan);
      for (const user of users) {
        await box.does(`user add ${user}@${DOMAINS.ours} --password-stdin`, { stdin: PASSWORD });
      }
      return box;
    },
    down: async () => {
      mx.stop();
      await labDown();
    },
  };
}
