// Dynamic updates of a DNS server (RFC 2136), signed with TSIG (RFC 8945). Each call is one update message, which
// the server applies in full or not at all. The key is passed on standard input.

import { MailctlError } from '../errors.ts';
import type { Host } from './host.ts';
import { installCommand } from './package-manager.ts';

export interface UpdateServer {
  readonly address: string;
  readonly port: number;
  readonly key: {
    readonly name: string;
    readonly algorithm: string;
    readonly secret: string;
  } | null;
}

export interface UpdateLine {
  readonly action: 'add' | 'delete';
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  /** In presentation format; TXT already quoted. */
  readonly data: string;
}

const PROGRAMS = ['nsupdate', 'knsupdate'];
const TIMEOUT_MS = 60_000;

function formatUpdate(server: UpdateServer, zone: string, lines: readonly UpdateLine[]): string {
  const { address, port, key } = server;
  const script = [
    `server ${address} ${port}`,
    `zone ${zone}.`,
    ...(key === null ? [] : [`key ${key.algorithm}:${key.name} ${key.secret}`]),
    ...lines.map(({ action, name, type, ttl, data }) =>
      action === 'add'
        ? `update add ${name}. ${ttl} IN ${type} ${data}`
        : `update delete ${name}. IN ${type} ${data}`,
    ),
    'send',
  ];
  if (script.some((line) => /[\r\n]/.test(line))) throw new Error('a line break in a DNS update');
  return `${script.join('\n')}\n`;
}

/** Throws PROGRAM_MISSING when neither program is installed. */
export function requireNsupdate(host: Host): string {
  const program = PROGRAMS.find((name) => host.programs.exists(name));
  if (program !== undefined) return program;
  throw new MailctlError('PROGRAM_MISSING', 'neither nsupdate nor knsupdate is installed', {
    hint: installCommand(host, { debian: 'bind9-dnsutils', openwrt: 'bind-client' }),
  });
}

/** Throws PROGRAM_FAILED with the server's error. */
export async function runNsupdate(
  host: Host,
  server: UpdateServer,
  change: { readonly zone: string; readonly lines: readonly UpdateLine[] },
): Promise<void> {
  const program = requireNsupdate(host);
  await host.programs.run([program, ...(program === 'nsupdate' ? ['-v', '-t', '20'] : ['-v'])], {
    input: formatUpdate(server, change.zone, change.lines),
    timeout: TIMEOUT_MS,
    secrets: server.key === null ? [] : [server.key.secret],
  });
}
