// A complete backup in one file: a plain tar of its manifest and archives, independent of the chain on the peers.

import { MailctlError } from '../../errors.ts';
import { readBundle, writeBundle } from '../../host/bundle.ts';
import type { Host } from '../../host/host.ts';
import { type BackupOptions, type BackupReport, backup } from './backup.ts';
import {
  ARCHIVE_NAME,
  archivesOf,
  MANIFEST_NAME,
  manifestName,
  parseManifest,
  type ReadManifest,
  type VerifySignature,
} from './manifest.ts';

/** Backs everything up to one file. Needs its space twice, in the folder of the file, while it runs. */
export async function backupToFile(
  host: Host,
  options: Omit<BackupOptions, 'folder' | 'lost'>,
  file: string,
): Promise<BackupReport> {
  const folder = `${file}.parts`;
  await host.files.removeTree(folder);
  try {
    const report = await backup(host, { ...options, folder });
    const { manifest } = report;
    const names = [
      manifestName(manifest.sequence),
      ...archivesOf(manifest).map(({ name }) => name),
    ];
    await writeBundle(host, `${folder}/outbox`, { file, names });
    return report;
  } finally {
    await host.files.removeTree(folder);
  }
}

/**
 * Unpacks the manifest and the archives of such a file into the folder. Throws ARCHIVE_INVALID when it is damaged, or
 * does not hold exactly one backup.
 */
export async function unpackFile(
  host: Host,
  file: string,
  { folder, verify }: { folder: string; verify: VerifySignature },
): Promise<ReadManifest> {
  const expected = (name: string) => ARCHIVE_NAME.test(name) || MANIFEST_NAME.test(name);
  const names = await readBundle(host, file, { folder, expected });
  const manifests = names.filter((name) => MANIFEST_NAME.test(name));
  const [name] = manifests;
  if (name === undefined || manifests.length > 1)
    throw new MailctlError('ARCHIVE_INVALID', `${file} holds ${manifests.length} manifests, not 1`);
  return parseManifest(name, (await host.files.read(`${folder}/${name}`)) ?? '', verify);
}
