// An App over a temporary root with captured output, for calling commands in this process.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, createApp, type GlobalOptions } from '../../src/mailctl/app.ts';

const SECTIONS = ['network', 'ports', 'features', 'smtp', 'spam', 'fail2ban', 'ssl'];
const UCI = [
  "config mailserver 'main'\n\toption domain 'example.com'\n\toption lxc_path '/srv/lxc'",
  ...[...SECTIONS, 'webmail', 'mesh', 'report'].map((name) => `config ${name} '${name}'`),
].join('\n');

export interface Workshop {
  /** The App of one command line; its output is appended to `printed`. */
  app(options?: Partial<GlobalOptions>): App;
  readonly printed: { stdout: string; stderr: string };
  remove(): void;
}

export function createWorkshop(): Workshop {
  const root = mkdtempSync(join(tmpdir(), 'mailctl-run-'));
  mkdirSync(join(root, 'etc/config'), { recursive: true });
  writeFileSync(join(root, 'etc/config/mailserver'), `${UCI}\n`);
  const printed = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      printed[name] += text;
    },
  });
  const around = { root, env: process.env, stdout: sink('stdout'), stderr: sink('stderr') };
  return {
    app: (options = {}) => createApp({ config: '/etc/config/mailserver', ...options }, around),
    printed,
    remove: () => rmSync(root, { recursive: true }),
  };
}
