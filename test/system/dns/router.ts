// A router in the DNS test world: its files, its dnsctl, its mailctl.

import { generateKeyPairSync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finished, run } from '../lab/programs.ts';
import { formatAccount, makeAccount, type ProviderName } from './api/accounts.ts';
import type { ProviderApis } from './api/start.ts';
import { RESOLVER } from './servers.ts';

export type { ProviderName };

const PROJECT = join(import.meta.dir, '../../..');

export interface RouterOptions {
  readonly provider?: ProviderName;
  readonly domain: string;
  /** The zone that dnsctl is configured for; default: the domain. */
  readonly zone?: string;
  /** Further zones of the account at the provider. */
  readonly zones?: readonly string[];
  /** The fault of the account: see ProviderAccount. */
  readonly fault?: string;
  /** Lines of the section `dns`, as `option value`. */
  readonly dns?: readonly string[];
  /** Whole lines of other sections. */
  readonly sections?: readonly string[];
  readonly env?: Record<string, string>;
}

export interface Router {
  readonly root: string;
  /** The provider's options, such as api_key. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Changes the fault of the account. */
  setFault(fault: string): Promise<void>;
  /** Rewrites the section `dns`. */
  configure(lines: readonly string[]): Promise<void>;
  /** Killed after `timeout` milliseconds. */
  mailctl(line: string, env?: Record<string, string>, timeout?: number): Promise<Finished>;
  /** Runs a TypeScript program with the router's files and PATH. */
  run(argv: string[]): Promise<Finished>;
  /** The dnsctl calls so far, each as its arguments. */
  calls(): Promise<string[][]>;
}

export async function makeRouter(
  { inside, apis }: { inside: (argv: string[]) => string[]; apis: ProviderApis },
  root: string,
  options: RouterOptions,
): Promise<Router> {
  const { domain, zone = domain, provider = 'cloudflare' } = options;
  const data = join(root, 'srv/mailserver');
  await mkdir(join(root, 'etc/config'), { recursive: true });
  await mkdir(join(data, 'dkim', domain), { recursive: true });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(join(data, 'dkim', domain, 'mail.private'), pem);
  const configure = async (lines: readonly string[]) => {
    const uci = [
      "config mailserver 'main'",
      `\toption domain '${domain}'`,
      "config dns 'dns'",
      `\tlist resolver '${RESOLVER}'`,
      ...lines.map((line) => `\t${line}`),
      ...(options.sections ?? []),
    ];
    await writeFile(join(root, 'etc/config/mailserver'), `${uci.join('\n')}\n`);
  };
  await configure(options.dns ?? ["list public_address '192.0.2.25'"]);
  const account = makeAccount(provider, root, [zone, ...(options.zones ?? [])]);
  const setFault = (fault: string) => apis.register({ ...account, fault });
  await setFault(options.fault ?? '');
  await writeFile(join(root, 'etc/config/dns-provider'), formatAccount(account));
  const log = join(root, 'dnsctl.log');
  // the stand-in runs under this repository's Bun
  const path = [
    join(PROJECT, 'test/stand-ins'),
    join(PROJECT, 'node_modules/.bin'),
    process.env.PATH,
  ].join(':');
  const base = {
    MAILCTL_ROOT: root,
    PATH: path,
    NODE_EXTRA_CA_CERTS: apis.caFile,
    DNSCTL_LOG: log,
  };
  const program = [process.execPath, join(PROJECT, 'src/mailctl/main.ts')];
  return {
    ...{ root, configure, setFault, credentials: account.credentials },
    mailctl: (line, env = {}, timeout = 150_000) =>
      run(inside([...program, ...line.split(' ')]), {
        env: { ...base, ...options.env, ...env },
        timeout,
      }),
    run: (argv) => run(inside([process.execPath, ...argv]), { env: { ...base, ...options.env } }),
    calls: async () =>
      (await readFile(log, 'utf8').catch(() => ''))
        .split('\n')
        .filter((call) => call !== '')
        .map((call) => JSON.parse(call) as string[]),
  };
}

/** Kills the child processes that a killed mailctl left running, and only those. */
export async function endPrograms(router: Router): Promise<void> {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (!environment.split('\0').includes(`MAILCTL_ROOT=${router.root}`)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has already exited
    }
  }
}
