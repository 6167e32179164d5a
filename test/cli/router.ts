// A router for tests: a temporary root with a UCI file, on which the real CLI runs.

import { Database } from 'bun:sqlite';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const MAIN = join(import.meta.dir, '../../src/mailctl/main.ts');
const DATA = '/srv/mailserver';
const CONFIG = `
config mailserver 'main'
	option domain 'example.com'
	option data_path '${DATA}'
	option container 'router-of-tests'
	option lxc_path '/srv/lxc'
config network 'network'
config ports 'ports'
config features 'features'
config smtp 'smtp'
config spam 'spam'
config fail2ban 'fail2ban'
config ssl 'ssl'
config webmail 'webmail'
config mesh 'mesh'
config report 'report'
	option enabled '0'
`;

interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Router {
  readonly root: string;
  /** Runs one command line; a text is split at single spaces. */
  mailctl(
    line: string | readonly string[],
    options?: { stdin?: string | Uint8Array },
  ): Promise<Answer>;
  /** The same, still running, for tests that interrupt it. */
  start(line: string): Bun.Subprocess;
  /** Writes a file below the root and gives its path. */
  write(path: string, text: string, mode?: number): string;
  /** Text of a file of the accounts. */
  accounts(name: string): string;
  /** Rows of the compiled database, cells joined by spaces. */
  rows(query: string): string[];
  remove(): void;
}

export function createRouter(): Router {
  const root = mkdtempSync(join(tmpdir(), 'mailctl-accounts-'));
  const write = (path: string, text: string, mode = 0o644) => {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
    chmodSync(full, mode);
    return full;
  };
  write('/etc/config/mailserver', CONFIG);
  const env = { ...process.env, MAILCTL_ROOT: root, PATH: `${root}/bin:${process.env.PATH}` };
  const start = (line: string | readonly string[], stdin: Uint8Array | null = null) =>
    Bun.spawn([process.execPath, MAIN, ...(typeof line === 'string' ? line.split(' ') : line)], {
      env,
      stdin: stdin ?? 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
  return {
    root,
    write,
    start,
    mailctl: async (line, { stdin } = {}) => {
      const input = typeof stdin === 'string' ? new TextEncoder().encode(stdin) : stdin;
      const program = start(line, input);
      const [stdout, stderr, status] = await Promise.all([
        program.stdout.text(),
        program.stderr.text(),
        program.exited,
      ]);
      return { status, stdout, stderr };
    },
    accounts: (name) => readFileSync(join(root, DATA, 'config', name), 'utf8'),
    rows: (query) => {
      const database = new Database(join(root, DATA, 'directory/directory.db'), { readonly: true });
      const found = database.query(query).values();
      database.close();
      return found.map((row) => row.join(' '));
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A well-formed SHA512-CRYPT hash of no known password. */
export const HASH = `$6$salt$${'a'.repeat(86)}`;
