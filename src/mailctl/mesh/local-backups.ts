// The backups that this box has made: manifests and archives in its outbox, and making the next one.

import { join } from 'node:path';
import type { Appliance } from '../../appliance/appliance.ts';
import { requireRecipient } from '../../appliance/backup/recovery.ts';
import { copyAccounts } from '../../appliance/backup/snapshot.ts';
import { backupSources } from '../../appliance/backup/sources.ts';
import { digestBytes } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { type BackupReport, backup } from '../../mesh/archive/backup.ts';
import { backupToFile } from '../../mesh/archive/bundle.ts';
import { MANIFEST_NAME, readOwnManifest } from '../../mesh/archive/manifest.ts';
import { requireIdentity } from '../../mesh/own-identity.ts';
import type { LocalBackup } from '../../mesh/push.ts';
import { createSigner } from '../../mesh/signature.ts';

export const outboxOf = ({ paths }: Pick<Appliance, 'paths'>): string => join(paths.mesh, 'outbox');

/** @param recipient instead of the public half of the recovery key */
export async function backupOptions(host: Host, target: Appliance, recipient?: string) {
  const { paths } = target;
  const recipients = [recipient ?? (await requireRecipient(host, paths)).recipient];
  const signer = createSigner(await requireIdentity(host, paths.mesh));
  await copyAccounts(host, target);
  return { sources: backupSources(target), recipients, signer };
}

/** @param lost archives that no peer has any more, and this box neither: their contents are stored again */
export async function makeBackup(
  host: Host,
  target: Appliance,
  lost: readonly string[] = [],
): Promise<BackupReport> {
  const options = await backupOptions(host, target);
  return backup(host, { ...options, folder: target.paths.mesh, lost });
}

/** Everything in one file, which needs no other backup. */
export async function makeBackupFile(
  host: Host,
  target: Appliance,
  file: string,
): Promise<BackupReport> {
  return backupToFile(host, await backupOptions(host, target), file);
}

/** Newest first. */
export async function localBackups(host: Host, target: Appliance): Promise<LocalBackup[]> {
  const outbox = outboxOf(target);
  const found: LocalBackup[] = [];
  for (const name of await host.files.list(outbox)) {
    if (!MANIFEST_NAME.test(name)) continue;
    const path = join(outbox, name);
    const bytes = await host.files.readBytes(path);
    if (bytes === null) continue;
    const manifest = readOwnManifest(Buffer.from(bytes).toString('utf8'));
    const file = { name, path, size: bytes.length, sha256: digestBytes(bytes) };
    found.push({ manifest, file });
  }
  return found.sort((a, b) => b.manifest.sequence - a.manifest.sequence);
}
