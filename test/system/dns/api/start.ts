// Starts the stand-in for the providers' APIs in the test world, under the real host names.

import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must, run, startInBackground, waitFor } from '../../lab/programs.ts';
import type { ProviderAccount } from './accounts.ts';
import { API_ADDRESS, PROVIDER_HOSTS } from './hosts.ts';

export interface ProviderApis {
  /** CA certificate that the router must trust. */
  readonly caFile: string;
  /** Adds an account, or changes the one with the same credentials. */
  register(account: ProviderAccount): Promise<void>;
  /** The requests so far: `STATUS METHOD PROVIDER PATH BODY`. */
  requests(): Promise<string[]>;
  stop(): Promise<void>;
}

/** The lines of /etc/hosts in the test world. */
export const API_HOSTS = `127.0.0.1 localhost\n${Object.keys(PROVIDER_HOSTS)
  .map((name) => `${API_ADDRESS} ${name}\n`)
  .join('')}`;

async function makePair(folder: string) {
  const [certificate, key] = [join(folder, 'api.crt'), join(folder, 'api.key')];
  const names = Object.keys(PROVIDER_HOSTS).map((name) => `DNS:${name}`);
  await must([
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    ...['-nodes', '-days', '30', '-subj', '/CN=providers', '-addext'],
    ...[`subjectAltName=${names.join(',')}`, '-out', certificate, '-keyout', key],
  ]);
  return { certificate, key };
}

export async function startProviderApis(
  inside: (argv: string[]) => string[],
  folder: string,
): Promise<ProviderApis> {
  await mkdir(folder, { recursive: true });
  const { certificate, key } = await makePair(folder);
  const [accountsFile, log] = [join(folder, 'accounts.json'), join(folder, 'requests')];
  const accounts = new Map<string, ProviderAccount>();
  await writeFile(accountsFile, '[]');
  await appendFile(log, '');
  const words = [process.execPath, join(import.meta.dir, 'server.ts')];
  const child = startInBackground(
    inside([...words, certificate, key, accountsFile, log]),
    join(folder, 'log'),
  );
  await waitFor("the providers' APIs", async () => {
    if (child.exitCode !== null) throw new Error(await readFile(join(folder, 'log'), 'utf8'));
    const time = ['curl', '-ks', '-m', '2', 'https://eu.api.ovh.com/1.0/auth/time'];
    return (await run(inside(time))).status === 0 ? true : undefined;
  });
  return {
    caFile: certificate,
    register: async (account) => {
      accounts.set(JSON.stringify([account.provider, account.credentials]), account);
      await writeFile(accountsFile, JSON.stringify([...accounts.values()]));
    },
    requests: async () => (await readFile(log, 'utf8')).split('\n').filter((line) => line !== ''),
    stop: async () => {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}
