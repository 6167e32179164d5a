// mailctl mesh listen: the process that answers peers, started by mailctl serve. It becomes a user without rights before
// it listens.

import type { Command } from 'commander';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import { becomeLean } from '../../host/own-program.ts';
import { MESH_USER, startListener } from '../../mesh/listener/listener.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { followPeers } from '../mesh/listener.ts';
import { requireRootToLook } from '../root.ts';

/** IPv4 too, where the host has IPv6. */
const EVERYWHERE = ['::', '0.0.0.0'];

/** The first address that this host has. */
async function listenAnywhere(start: (address: string) => Promise<unknown>): Promise<void> {
  try {
    await start(EVERYWHERE[0] ?? '');
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'ADDRESS_UNKNOWN') throw error;
    await start(EVERYWHERE[1] ?? '');
  }
}

interface ListenOptions {
  readonly port: string;
  readonly address?: readonly string[];
}

export async function runListen(app: App, given: ListenOptions): Promise<ExitStatus> {
  requireRootToLook(app);
  const { host, output } = app;
  if (app.options.dryRun) {
    output.planned({ would: [`answer peers on port ${given.port}`] });
    return STATUS.OK;
  }
  becomeLean(process.argv.slice(2));
  const target = await app.appliance();
  await followPeers(host, target);
  await host.serviceUsers.become(MESH_USER);
  const { address: addresses = [] } = given;
  const log = (text: string) => output.note(text);
  const options = { folder: target.paths.mesh, port: Number(given.port), log };
  const start = (address: string) => startListener(host, { ...options, address });
  if (addresses.length === 0) await listenAnywhere(start);
  for (const address of addresses) await start(address);
  const ended = Promise.withResolvers<void>();
  host.processes.onParentEnd(() => ended.resolve());
  await ended.promise;
  return STATUS.OK;
}

export function registerListen(mesh: Command, line: CommandLine): void {
  const listen = mesh
    .command('listen', { hidden: true })
    .description('answer peers; mailctl serve starts it')
    .requiredOption('--port <port>')
    .option('--address <address>', '', (one: string, all: string[] = []) => [...all, one]);
  defineWord(listen, line, {
    kind: 'acts',
    run: runListen,
    ends: ['PORT_TAKEN', 'ADDRESS_UNKNOWN', 'FILE_FAILED', 'HOST_UNFIT'],
    examples: [
      'mailctl mesh listen --port 7332',
      'mailctl mesh listen --port 7332 --address 192.0.2.1',
    ],
  });
}
