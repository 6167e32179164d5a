// A mail server on the lab's router, operated with a UCI file and mailctl.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import { DOMAINS, PREFIX, WORK_DIRECTORY } from './plan.ts';
import { type Finished, type RunOptions, waitFor } from './programs.ts';
import { type Root, useRoot } from './resolver.ts';
import { formatUci, mergeUci, type UciValues } from './uci.ts';

export interface Appliance {
  name: string;
  /** path of the UCI file */
  config: string;
  /** path of the data folder */
  data: string;
  /** address of the container, without prefix length */
  address: string;
  /** Runs one mailctl command; a string is split at blanks. */
  mailctl(words: string | string[], options?: RunOptions): Promise<Finished>;
  /** Like `mailctl`, but throws on a status other than 0. Returns stdout. */
  does(words: string | string[], options?: RunOptions): Promise<string>;
  /** `mailctl … --json`, parsed. */
  json<T>(words: string | string[], options?: RunOptions): Promise<T>;
  /** Replaces options in the UCI file; takes effect with the next `apply`. */
  configure(values: UciValues): Promise<void>;
  /** Ends mailctl serve, which would correct a fault before the test has looked at it. */
  endServe(): Promise<void>;
  /** Runs a program as root in the container. */
  inside(argv: string[], options?: RunOptions): Promise<Finished>;
  /** The complete log of the daemons. */
  log(): Promise<string>;
}

export interface ApplianceSource {
  machine: Machine;
  /** path of the binary under test */
  binary: string;
  image: string;
  /** root server of the container's resolver, in place of the real root */
  dns: Root;
}

/** Writes the UCI file and the operator's resolver lines; installs nothing. */
export async function createAppliance(
  source: ApplianceSource,
  name: string,
  values: UciValues = {},
): Promise<Appliance> {
  const folder = join(WORK_DIRECTORY, name);
  const data = join(folder, 'data');
  const config = join(folder, 'mailserver');
  const container = `${PREFIX}${name}`;
  const lxc = join(folder, 'lxc');
  let settings = mergeUci(defaults({ data, lxc, container, image: source.image }), values);
  await mkdir(lxc, { recursive: true });
  await useRoot(data, source.dns);
  await writeFile(config, formatUci(settings), { mode: 0o600 });

  const run: Appliance['mailctl'] = (words, options) =>
    source.machine.run([source.binary, '--config', config, ...split(words)], {
      timeout: 120_000,
      ...options,
    });
  const does: Appliance['does'] = async (words, options) => {
    const { status, stdout, stderr } = await run(words, options);
    if (status !== 0) {
      throw new Error(
        `mailctl ${split(words).join(' ')} ended with status ${status}\n${stderr}${stdout}`,
      );
    }
    return stdout;
  };
  return {
    name,
    config,
    data,
    address: String(settings.network?.address ?? '10.82.25.2/24').replace(/\/\d+$/, ''),
    mailctl: run,
    does,
    json: async (words, options) => JSON.parse(await does([...split(words), '--json'], options)),
    configure: async (more) => {
      settings = mergeUci(settings, more);
      await writeFile(config, formatUci(settings), { mode: 0o600 });
    },
    endServe: async () => {
      const { scheduler } = JSON.parse((await run('status --json')).stdout);
      if (scheduler.pid === null) return;
      await source.machine.run(['kill', '-9', String(scheduler.pid)]);
      await waitFor('the end of mailctl serve', async () => {
        const status = JSON.parse((await run('status --json')).stdout);
        return status.scheduler.running ? undefined : true;
      });
    },
    inside: (argv, options) =>
      source.machine.run(['lxc-attach', '-P', lxc, '-n', container, '--', ...argv], options),
    log: () => Bun.file(join(data, 'log/current')).text(),
  };
}

const split = (words: string | string[]): string[] =>
  typeof words === 'string' ? words.split(' ').filter((word) => word !== '') : words;

interface Places {
  data: string;
  lxc: string;
  container: string;
  image: string;
}

const defaults = ({ data, lxc, container, image }: Places): UciValues => ({
  main: {
    enabled: 1,
    hostname: 'mail',
    domain: DOMAINS.ours,
    data_path: data,
    lxc_path: lxc,
    container,
    image,
  },
  network: { bridge: 'br-mail' },
  ssl: { type: 'selfsigned' },
});
