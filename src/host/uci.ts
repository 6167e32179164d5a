// Commits changes of one UCI package through the program uci. They go through a folder of changes of their own, so
// that changes that others have staged stay staged and are not committed along.

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
