// mailctl web: answers the pages, as a user without rights. `mailctl serve` keeps it running.

import { join } from 'node:path';
import type { Command } from 'commander';
import {
  DESK_SOCKET,
  ensureWebFolders,
  FRONT_SOCKET,
  WEB_USER,
} from '../../appliance/self-service/folders.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { HttpServer } from '../../host/http-server.ts';
import { becomeLean } from '../../host/own-program.ts';
import { createDesk } from '../../web/ask.ts';
import { createWeb } from '../../web/web.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';

const ANSWER_MS = 30_000;
const LOOK_MS = 1000;
/** After this time without `mailctl serve` nobody waits for its return. */
const ALONE_MS = 10 * 60_000;

interface Folders {
  readonly web: string;
  readonly webFront: string;
  readonly webDesk: string;
}

function start(host: Host, { webFront, webDesk }: Folders, log: (text: string) => void) {
  const path = join(webDesk, DESK_SOCKET);
  const desk = createDesk({
    send: (line) => host.lineSockets.ask(path, line, ANSWER_MS),
    now: () => host.clock.now().getTime(),
  });
  const app = createWeb({ desk, log, now: host.clock.now });
  return host.httpServers.serve(join(webFront, FRONT_SOCKET), (request) => app.fetch(request));
}

/** Outlives a serve that was killed, and says so on its pages, until the next serve has started another one. */
async function untilEnd({ clock, processes }: Host, server: HttpServer): Promise<void> {
  const end = new AbortController();
  let aloneSince: number | null = null;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    processes.onSignal(signal, () => end.abort());
  processes.onParentEnd(() => {
    aloneSince ??= clock.now().getTime();
  });
  while (!end.signal.aborted && server.isReachable()) {
    if (aloneSince !== null && clock.now().getTime() - aloneSince > ALONE_MS) break;
    await clock.sleep(LOOK_MS, end.signal);
  }
  await server.stop();
}

async function serveWithoutRights({ host, output }: App, folders: Folders): Promise<void> {
  await ensureWebFolders(host, folders);
  await host.serviceUsers.become(WEB_USER);
  await untilEnd(host, start(host, folders, output.note));
}

export async function run(app: App, folder: string): Promise<ExitStatus> {
  becomeLean(process.argv.slice(2));
  const folders = { web: folder, webFront: join(folder, 'front'), webDesk: join(folder, 'desk') };
  // reads no UCI file: its passwords must not be in the memory of this process
  return app.changeFile({
    apply: () => serveWithoutRights(app, folders),
    details: () => [],
    report: () => STATUS.OK,
  });
}

export function registerWeb(command: Command, line: CommandLine): void {
  command.argument('<folder>', 'the folder of its sockets, such as /var/run/mailserver/NAME.web');
  defineWord(command, line, {
    kind: 'acts',
    run,
    ends: ['HOST_UNFIT'],
    examples: [
      'mailctl web /var/run/mailserver/mailserver.web',
      'mailctl web /var/run/mailserver/mailserver.web --dry-run',
    ],
  });
}
