// Archives of peers that cannot reach this box: what peers offer is fetched by a process of the listener's user, which
// can change nothing else here.

import type { Appliance } from '../../appliance/appliance.ts';
import { readPeers } from '../../appliance/backup/peers.ts';
import { STATUS } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { ownProgram } from '../../host/own-program.ts';
import { ANY_STATUS, type ProgramResult, presentable } from '../../host/programs.ts';
import { MESH_USER } from '../../mesh/listener/listener.ts';
import { followOutbox } from '../../mesh/offers.ts';
import type { PeerAddress } from '../../mesh/peers/addresses.ts';
import { boxesOf, listenerWords } from './listener-words.ts';
import { outboxOf } from './local-backups.ts';
import { addressesOf } from './stores.ts';

/** What was fetched of one peer. */
export interface Taken {
  readonly peer: string;
  readonly files: number;
  readonly bytes: number;
  readonly problem: string | null;
  /** It cannot be reached; then it brings its archives itself, or not. */
  readonly away: boolean;
}

/** Lets peers fetch what is in the outbox. Idempotent. */
export async function offerOutbox(host: Host, target: Appliance): Promise<void> {
  if (listenerWords(target) === null) return;
  const user = await host.serviceUsers.ensure(MESH_USER);
  await followOutbox(host, { folder: target.paths.mesh, outbox: outboxOf(target), user });
}

const TIMEOUT_MS = 2 * 3_600_000;

/** What the child says: its result, or its error. */
function readAnswer(peer: string, { status, stdout, stderr }: ProgramResult): Taken {
  const none = { peer, files: 0, bytes: 0, away: status === STATUS.TRY_AGAIN };
  try {
    if (status === 0) {
      const { files, bytes } = JSON.parse(stdout) as { files: number; bytes: number };
      return { peer, files, bytes, problem: null, away: false };
    }
    const { error } = JSON.parse(stderr) as { error: { message: string } };
    return { ...none, problem: error.message };
  } catch {
    const problem = presentable(stderr) || `mailctl mesh take ended with status ${status}`;
    return { ...none, problem };
  }
}

const formatAddress = ({ address, port }: PeerAddress): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** Fetches what the boxes among the peers offer; one that is away keeps no other one waiting. */
export async function takeFromPeers(host: Host, target: Appliance): Promise<Taken[]> {
  const known = await readPeers(host, target.paths);
  const take = async (peer: string): Promise<Taken> => {
    const details = known[peer];
    const found = details === undefined ? [] : await addressesOf(host, target.settings, details);
    const words = ['mesh', 'take', '--peer', peer];
    for (const address of found) words.push('--address', formatAddress(address));
    const command = [...ownProgram(), '--config', target.paths.uciFile, '--json', ...words];
    const options = { accept: ANY_STATUS, timeout: TIMEOUT_MS };
    return readAnswer(peer, await host.programs.run(command, options));
  };
  return Promise.all(boxesOf(target.settings).map(take));
}
