// A mail server on the lab's router, driven as an operator would: a UCI file, and mailctl.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import { DOMAINS, PREFIX, WORK_DIRECTORY } from './plan.ts';
import type { Finished, RunOptions } from './programs.ts';
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
  /** One command line of mailctl; a string is split at blanks. */
  mailctl(words: string | string[], options?: RunOptions): Promise<Finished>;
  /** Like `mailctl`, but a status other than 0 is an error. Answers with stdout. */
  does(words: string | string[], options?: RunOptions): Promise<string>;
  /** `mailctl … --json`, parsed. */
  json<T>(words: string | string[], options?: RunOptions): Promise<T>;
  /** Replaces options in the UCI file; takes effect with the next `apply`. */
  configure(values: UciValues): Promise<void>;
  /** Runs a program in the container, as its root. */
  inside(argv: string[], options?: RunOptions): Promise<Finished>;
  /** Everything the daemons have logged. */
  log(): Promise<string>;
}

export interface ApplianceSource {
  machine: Machine;
  /** path of the binary under test */
  binary: string;
  image: string;
  /** the container's resolver begins at this server in place of the real root */
  dns: Root;
}

/** Writes the UCI file and the operator's own resolver lines; nothing is installed yet. */
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
      throw new Error(`mailctl ${split(words).join(' ')} ended with ${status}\n${stderr}${stdout}`);
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
