// The socket of `mailctl serve` to `mailctl web`: there while the settings want the pages.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import type { Serving } from '../schedule/serve.ts';
import { DESK_SOCKET, ensureWebFolders } from './folders.ts';
import { createSelfService } from './self-service.ts';

/** The UCI file is looked at this often; a signal to serve is faster. */
const LOOK_MS = 5000;

interface Desk {
  target: Appliance;
  /** Of the UCI file at the last read. */
  mark: string;
  open: { close(): void } | null;
  complaint: string | null;
}

async function reread(host: Host, { readTarget, target }: Serving, desk: Desk): Promise<void> {
  const stat = await host.files.stat(target.paths.uciFile);
  const mark = stat === null ? 'none' : `${stat.modified.getTime()} ${stat.size}`;
  if (mark === desk.mark) return;
  const next = await readTarget();
  // the scheduler ends this process when the UCI file names another container
  if (next.paths.serveLock === target.paths.serveLock) desk.target = next;
  desk.mark = mark;
}

async function open(host: Host, { log }: Serving, desk: Desk): Promise<{ close(): void }> {
  const { paths } = desk.target;
  const owner = await ensureWebFolders(host, paths);
  const service = await createSelfService(host, {
    target: () => desk.target,
    log: (text) => log(`web: ${text}`),
  });
  const path = join(paths.webDesk, DESK_SOCKET);
  return host.lineSockets.listen({ path, owner }, service.answer);
}

/** Opens or closes the socket as the settings want it. */
async function look(host: Host, serving: Serving, desk: Desk): Promise<void> {
  try {
    await reread(host, serving, desk);
    const { enabled } = desk.target.settings.web;
    if (enabled) desk.open ??= await open(host, serving, desk);
    else {
      desk.open?.close();
      desk.open = null;
    }
    desk.complaint = null;
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    // an invalid UCI file is reported by the scheduler
    if (error.code === 'CONFIG_INVALID' || error.message === desk.complaint) return;
    desk.complaint = error.message;
    serving.log(`the account pages are not served: ${error.message}`);
  }
}

/** Until `serving.end`, which must also ring the bell. */
export async function keepSelfService(host: Host, serving: Serving): Promise<void> {
  const desk: Desk = { target: serving.target, mark: '', open: null, complaint: null };
  while (!serving.end.aborted) {
    const heard = serving.bell.listen();
    await look(host, serving, desk);
    await host.clock.sleep(LOOK_MS, AbortSignal.any([serving.end, heard]));
  }
  desk.open?.close();
}
