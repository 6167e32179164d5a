// Who may connect: a file that root writes and the listener reads, so that a change takes effect with the next
// connection. It holds no secret.

import { join } from 'node:path';
import * as v from 'valibot';
import { MailctlError } from '../../errors.ts';
import type { Ownership } from '../../host/files.ts';
import type { Host } from '../../host/host.ts';
import type { Grant } from './rules.ts';

export interface AdmittedPeer extends Grant {
  /** peer_id */
  readonly id: string;
}

const schema = v.object({
  v: v.literal(1),
  peers: v.array(
    v.object({
      id: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      quota_bytes: v.pipe(v.number(), v.minValue(0)),
      protected_seconds: v.pipe(v.number(), v.minValue(0)),
    }),
  ),
});

const fileIn = (folder: string): string => join(folder, 'peers.json');

/** Throws FILE_FAILED for a damaged file: then nobody is admitted. */
export async function readAdmitted(host: Host, folder: string): Promise<readonly AdmittedPeer[]> {
  const path = fileIn(folder);
  const text = await host.files.read(path);
  if (text === null) return [];
  try {
    const { peers } = v.parse(schema, JSON.parse(text));
    return peers.map(({ id, quota_bytes, protected_seconds }) => ({
      ...{ id, quota: quota_bytes, protectedSeconds: protected_seconds },
    }));
  } catch (cause) {
    throw new MailctlError('FILE_FAILED', `${path} is damaged: no peer is admitted`, { cause });
  }
}

/** @param user of the listener, which reads the file by its group */
export async function writeAdmitted(
  host: Host,
  folder: string,
  { peers, user }: { peers: readonly AdmittedPeer[]; user: Ownership },
): Promise<void> {
  const rows = peers.map(({ id, quota, protectedSeconds }) => ({
    ...{ id, quota_bytes: quota, protected_seconds: protectedSeconds },
  }));
  const text = `${JSON.stringify({ v: 1, peers: rows }, null, 2)}\n`;
  await host.files.replace(fileIn(folder), text, { mode: 0o640, owner: { uid: 0, gid: user.gid } });
}
