// A real ACME server in the DNS test world: Pebble, which validates through the world's resolver only.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must, run, startInBackground, waitFor } from '../lab/programs.ts';
import { startUnbound } from './servers.ts';

export interface PebbleOptions {
  /** Per cent of valid nonces that are refused; default 5. */
  readonly badNonces?: number;
  /** Key identifiers and MAC keys; if set, an account needs external account binding. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Address that it listens on. */
  readonly address?: string;
  /** Address of the DNS server that it queries; by default its own resolver. */
  readonly resolver?: string;
  /** Lifetime of its certificates, seconds. */
  readonly lifetime?: number;
}

export interface Pebble {
  readonly directory: string;
  /** Certificate of its web server, for `ssl.ca_file`. */
  readonly caFile: string;
  readonly pairFiles: { readonly certificate: string; readonly key: string };
  signal(name: NodeJS.Signals): void;
  log(): Promise<string>;
  stop(): Promise<void>;
}

const PORT = 14000;

async function makePair(folder: string, address: string) {
  const certificate = join(folder, 'acme.crt');
  const key = join(folder, 'acme.key');
  await must([
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    ...['-nodes', '-days', '30', '-subj', '/CN=acme', '-addext', `subjectAltName=IP:${address}`],
    ...['-out', certificate, '-keyout', key],
  ]);
  return { certificate, key };
}

export async function startPebble(
  inside: (argv: string[]) => string[],
  folder: string,
  options: PebbleOptions = {},
): Promise<Pebble> {
  const { address = '127.53.0.14', badNonces = 5, bindings } = options;
  await mkdir(folder, { recursive: true });
  const eyes = options.resolver ?? address.replace(/\d+$/, (last) => `${Number(last) + 100}`);
  const own = { address: eyes, remembers: false };
  const resolver =
    options.resolver === undefined
      ? [await startUnbound(inside, join(folder, 'resolver'), null, own)]
      : [];
  const pairFiles = await makePair(folder, address);
  const config = join(folder, 'pebble.json');
  const pebble = {
    ...{ listenAddress: `${address}:${PORT}`, managementListenAddress: `${address}:15000` },
    ...{ certificate: pairFiles.certificate, privateKey: pairFiles.key },
    ...{ httpPort: 5002, tlsPort: 5001, ocspResponderURL: '' },
    certificateValidityPeriod: options.lifetime ?? 7_776_000,
    externalAccountBindingRequired: bindings !== undefined,
    externalAccountMACKeys: bindings ?? {},
  };
  await writeFile(config, JSON.stringify({ pebble }));
  const env = {
    PEBBLE_VA_NOSLEEP: '1',
    PEBBLE_AUTHZREUSE: '0',
    PEBBLE_WFE_NONCEREJECT: String(badNonces),
  };
  const words = ['pebble', '-config', config, '-dnsserver', `${eyes}:53`, '-strict'];
  const log = join(folder, 'log');
  const named = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const child = startInBackground(inside(['env', ...named, ...words]), log);
  const directory = `https://${address}:${PORT}/dir`;
  await waitFor('the ACME server', async () => {
    if (child.exitCode !== null) throw new Error(await readFile(log, 'utf8'));
    const { status } = await run(inside(['curl', '-ks', '-m', '2', directory]));
    return status === 0 ? true : undefined;
  });
  return {
    ...{ directory, caFile: pairFiles.certificate, pairFiles },
    signal: (name) => child.kill(name),
    log: () => readFile(log, 'utf8'),
    stop: async () => {
      for (const program of [child, ...resolver]) program.kill('SIGKILL');
      await Promise.all([child, ...resolver].map(({ exited }) => exited));
    },
  };
}
