// OpenWrt's program uci, which stages changes before it commits them to a file. Changes of this program go through a
// folder of their own, so that changes that others have staged stay staged and are not committed along.

import { basename, dirname } from 'node:path';
import { MailctlError } from '../errors.ts';
import type { Host } from './host.ts';
import { presentable } from './programs.ts';

export interface UciChange {
  /** The file's name in /etc/config. */
  readonly config: string;
  /** Commands of `uci batch`, one a line. */
  readonly batch: string;
  /** Folder for the staged changes; removed afterwards. */
  readonly folder: string;
}

function refused(config: string, said: string): MailctlError {
  return new MailctlError('PROGRAM_FAILED', `uci refused a change: ${presentable(said)}`, {
    hint: `uci export ${config}`,
  });
}

/**
 * Stages the change, gives the resulting text to `check`, and commits it unless `check` throws.
 * Throws PROGRAM_FAILED.
 */
export async function commitUci(
  host: Host,
  { config, batch, folder }: UciChange,
  check: (text: string) => void,
): Promise<void> {
  // left by a killed command
  await host.files.removeTree(folder);
  await host.files.makeDirectory(folder, { mode: 0o700 });
  const uci = ['uci', '-t', host.files.path(folder)];
  try {
    // its status is 0 whatever happens
    const { stderr } = await host.programs.run([...uci, 'batch'], { input: batch });
    if (stderr.trim() !== '') throw refused(config, stderr);
    const { stdout } = await host.programs.query([...uci, '-N', 'export', config]);
    check(stdout);
    await host.programs.run([...uci, 'commit', config]);
  } finally {
    await host.files.removeTree(folder);
  }
}

export interface Staged {
  /** The name of the file, as uci calls it. */
  readonly config: string;
  /** Options and sections with staged changes, as `section.option` or `section`; never their values. */
  readonly options: readonly string[];
}

/** The changes of a file that are staged but not committed; null on a host without uci. */
export async function queryStaged(host: Host, file: string): Promise<Staged | null> {
  if (!host.programs.exists('uci')) return null;
  const config = basename(file);
  const show = ['uci', '-q', '-c', host.files.path(dirname(file)), 'changes', config];
  // status 1: uci cannot read the file
  const { stdout } = await host.programs.query(show, { accept: [1] });
  // such as mailserver.main.memory='1G', -mailserver.main.image, mailserver.fail2ban.ignore+='…'
  const names = stdout.split('\n').flatMap((line) => {
    const [, name] = /^-?[^.=\s]+\.([\w@[\]-]+(?:\.\w+)?)/.exec(line) ?? [];
    return name ?? [];
  });
  return { config, options: [...new Set(names)] };
}
