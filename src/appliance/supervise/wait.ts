// Why `mailctl serve` cannot do what UCI wants, as it tells `mailctl status`.

import type { Host } from '../../host/host.ts';
import { isKeptStopped } from '../container/stopped.ts';
import type { Paths } from '../paths.ts';
import { queryServer } from '../schedule/server.ts';

/** @param reason a sentence; null when it waits for nothing */
export async function publishWait(host: Host, paths: Paths, reason: string | null): Promise<void> {
  if (reason === null) await host.files.remove(paths.serveWait);
  else await host.files.replace(paths.serveWait, `${reason}\n`, { mode: 0o644 });
}

export interface Supervision {
  /** Kept stopped by `mailctl stop`. */
  readonly stopped: boolean;
  /** A sentence; null when `mailctl serve` waits for nothing, or does not run. */
  readonly waitsFor: string | null;
}

export async function querySupervision(host: Host, paths: Paths): Promise<Supervision> {
  const stopped = await isKeptStopped(host, paths);
  // a killed serve leaves the file
  if (queryServer(host, paths) === null) return { stopped, waitsFor: null };
  return { stopped, waitsFor: (await host.files.read(paths.serveWait))?.trim() || null };
}
