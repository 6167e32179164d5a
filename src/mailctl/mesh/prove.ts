// Asks every peer to prove that it holds what it took.

import type { Appliance } from '../../appliance/appliance.ts';
import { BACKUP_STATE, emptyRecord, type PeerRecord } from '../../appliance/backup/state.ts';
import { openState } from '../../appliance/container/state-file.ts';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { archivesOf } from '../../mesh/archive/manifest.ts';
import { requireIdentity } from '../../mesh/own-identity.ts';
import { askProof } from '../../mesh/proofs.ts';
import type { LocalBackup } from '../../mesh/push.ts';
import { localBackups } from './local-backups.ts';
import { openStore, ownerOf, type StoreOwner } from './stores.ts';
import { withMeshLock } from './sync.ts';

export interface Proof {
  readonly peer: string;
  /** The archive that it was asked about; null when it has none yet. */
  readonly archive: string | null;
  readonly error: MailctlError | null;
}

async function proofOf(
  host: Host,
  target: Appliance,
  { peer, owner, backup }: { peer: string; owner: StoreOwner; backup: LocalBackup | undefined },
): Promise<Proof> {
  if (backup === undefined) return { peer, archive: null, error: null };
  try {
    const store = await openStore(host, target, { reference: peer, owner });
    const archives = archivesOf(backup.manifest).map(({ name }) => name);
    const asked = { folder: target.paths.mesh, peer, archives };
    return { peer, archive: await askProof(host, store, asked), error: null };
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    return { peer, archive: null, error };
  }
}

const noted = (before: PeerRecord, { archive, error }: Proof, now: Date): PeerRecord => ({
  ...before,
  lastProof: archive === null ? before.lastProof : now.toISOString(),
  problem: error === null ? before.problem : error.message,
});

/** Never throws for a peer: what it did is in its proof, and in the state. */
export async function provePeers(host: Host, target: Appliance): Promise<Proof[]> {
  const work = async () => {
    const owner = ownerOf(await requireIdentity(host, target.paths.mesh));
    const backups = await localBackups(host, target);
    const open = await openState(host, target.paths, BACKUP_STATE);
    const { current } = open;
    const proofs = await Promise.all(
      target.settings.mesh.backupPeers.map((peer) => {
        const pushed = current.peers[peer]?.pushed?.sequence;
        const backup = backups.find(({ manifest }) => manifest.sequence === pushed);
        return proofOf(host, target, { peer, owner, backup });
      }),
    );
    const now = host.clock.now();
    const peers = { ...current.peers };
    for (const proof of proofs) {
      peers[proof.peer] = noted(peers[proof.peer] ?? emptyRecord(now), proof, now);
    }
    await open.write({ ...current, peers });
    return proofs;
  };
  return withMeshLock(host, target, { command: 'mailctl mesh verify', work });
}
