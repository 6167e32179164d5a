// A resolver outside: validates from the root key on and caches answers for their TTL.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { onHost } from '../lab/network.ts';
import { RUN_DIRECTORY } from '../lab/plan.ts';
import { startInBackground, waitFor } from '../lab/programs.ts';
import { resolverLines } from '../lab/zones.ts';

const ADDRESS = '198.51.100.54';

export interface OutsideResolver {
  /** The values in presentation format, empty if there are none. Throws on an unvalidated answer. */
  secure(name: string, type: string): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startResolver(lab: Lab): Promise<OutsideResolver> {
  const folder = join(RUN_DIRECTORY, 'outside-resolver');
  await mkdir(folder, { recursive: true });
  const config = join(folder, 'unbound.conf');
  await writeFile(config, configuration(lab, folder));
  const child = startInBackground(
    onHost('wan', ['unbound', '-d', '-c', config]),
    join(folder, 'log'),
  );

  const secure = async (name: string, type: string): Promise<string[]> => {
    const ask = ['kdig', `@${ADDRESS}`, '+adflag', '+time=3', '+retry=2', name, type];
    const { stdout } = await lab.wan.run(ask);
    const status = /status: (\w+)/.exec(stdout)?.[1] ?? 'no answer';
    if (status !== 'NOERROR' && status !== 'NXDOMAIN')
      throw new Error(`${name} ${type}: ${status}`);
    if (!/^;; Flags:[^;]*\bad\b/m.test(stdout))
      throw new Error(`${name} ${type}: not validated by DNSSEC`);
    return stdout.split('\n').flatMap((line) => {
      const [, owner, kind, value] = /^(\S+)\s+\d+\s+IN\s+(\S+)\s+(.*)$/.exec(line) ?? [];
      return owner === name && kind === type && value !== undefined ? [value] : [];
    });
  };

  await waitFor('the outside resolver', async () =>
    (await secure('test.', 'SOA').catch(() => [])).length > 0 ? true : undefined,
  );
  return {
    secure,
    stop: async () => {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

function configuration(lab: Lab, folder: string): string {
  return [
    'server:',
    `  interface: ${ADDRESS}`,
    '  access-control: 0.0.0.0/0 allow',
    ...['  chroot: ""', '  username: ""', '  pidfile: ""', `  directory: ${folder}`],
    ...['  use-syslog: no', '  num-threads: 1', '  qname-minimisation: no'],
    `  trust-anchor: "${lab.dns.trustAnchor}"`,
    resolverLines(lab.dns.address),
  ].join('\n');
}
