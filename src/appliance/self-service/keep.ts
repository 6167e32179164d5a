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

interface Counter {
  target: Appliance;
  /** Of the UCI file at the last read. */
  mark: string;
  open: { close(): void } | null;
  complaint: string | null;
}

async function reread(
  host: Host,
  { readTarget, target }: Serving,
  counter: Counter,
): Promise<void> {
  const stat = await host.files.stat(target.paths.uciFile);
  const mark = stat === null ? 'none' : `${stat.modified.getTime()} ${stat.size}`;
  if (mark === counter.mark) return;
  const next = await readTarget();
  // the scheduler ends this process when the UCI file names another container
  if (next.paths.serveLock === target.paths.serveLock) counter.target = next;
  counter.mark = mark;
}

async function open(host: Host, { log }: Serving, counter: Counter): Promise<{ close(): void }> {
  const { paths } = counter.target;
  const owner = await ensureWebFolders(host, paths);
  const service = await createSelfService(host, {
    target: () => counter.target,
    log: (text) => log(`web: ${text}`),
  });
  const path = join(paths.webDesk, DESK_SOCKET);
  return host.lineSockets.listen({ path, owner }, service.answer);
}

/** Opens or closes the socket as the settings want it. */
async function look(host: Host, serving: Serving, counter: Counter): Promise<void> {
  try {
    await reread(host, serving, counter);
    const { enabled } = counter.target.settings.web;
    if (enabled) counter.open ??= await open(host, serving, counter);
    else {
      counter.open?.close();
      counter.open = null;
    }
    counter.complaint = null;
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    // an invalid UCI file is reported by the scheduler
    if (error.code === 'CONFIG_INVALID' || error.message === counter.complaint) return;
    counter.complaint = error.message;
    serving.log(`the account pages are not served: ${error.message}`);
  }
}

/** Until `serving.end`, which must also ring the bell. */
export async function keepSelfService(host: Host, serving: Serving): Promise<void> {
  const counter: Counter = { target: serving.target, mark: '', open: null, complaint: null };
  while (!serving.end.aborted) {
    const heard = serving.bell.listen();
    await look(host, serving, counter);
    await host.clock.sleep(LOOK_MS, AbortSignal.any([serving.end, heard]));
  }
  counter.open?.close();
}
