// mailctl mesh take: fetches what one peer offers, as the listener's user; mailctl mesh sync pull starts it.

import type { Command } from 'commander';
import { type ExitStatus, STATUS } from '../../errors.ts';
import { MESH_USER } from '../../mesh/listener/listener.ts';
import { parsePeerAddress } from '../../mesh/peers/addresses.ts';
import { pullFrom } from '../../mesh/pull.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { requireRootToLook } from '../root.ts';

interface TakeOptions {
  readonly peer: string;
  readonly address?: readonly string[];
}

export async function runTake(
  app: App,
  { peer: id, address: given = [] }: TakeOptions,
): Promise<ExitStatus> {
  requireRootToLook(app);
  const { host, output } = app;
  if (app.options.dryRun) {
    output.planned({ would: [`fetch what ${id} offers`] });
    return STATUS.OK;
  }
  const { paths, settings } = await app.appliance();
  const addresses = given.map((text) => parsePeerAddress(text, settings.mesh.port));
  await host.serviceUsers.become(MESH_USER);
  const pulled = await pullFrom(host, paths.mesh, { id, addresses, rate: null });
  output.result(`${pulled.files} files fetched, ${pulled.bytes} bytes`, pulled);
  return STATUS.OK;
}

export function registerTake(mesh: Command, line: CommandLine): void {
  const take = mesh
    .command('take', { hidden: true })
    .description('fetch what a peer offers; mailctl mesh sync pull starts it')
    .requiredOption('--peer <peer_id>')
    .option('--address <address>', '', (one: string, all: string[] = []) => [...all, one]);
  defineWord(take, line, {
    kind: 'acts',
    run: runTake,
    ends: ['PEER_AWAY', 'PEER_REFUSED', 'PEER_CHANGED', 'FILE_FAILED', 'HOST_UNFIT'],
    examples: [
      'mailctl mesh take --peer <peer_id> --address 192.0.2.7:7332',
      'mailctl mesh take --peer <peer_id> --address 192.0.2.7 --json',
    ],
  });
}
