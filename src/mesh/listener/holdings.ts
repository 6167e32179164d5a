// The folders of peers on the disk of their host. Only the listener, which is not root, writes to them.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { isStoreName, type StoredFile } from '../store.ts';
import type { Part } from './rules.ts';

const PART = /^\.(.+)\.([0-9a-f]{64})\.part$/;

export function partName({ name, sha256 }: { name: string; sha256: string }): string {
  return `.${name}.${sha256}.part`;
}

interface Content {
  readonly files: readonly StoredFile[];
  readonly parts: readonly Part[];
}

/** Empty for a peer that has sent nothing yet. */
export async function readHolding(host: Host, folder: string): Promise<Content> {
  const files: StoredFile[] = [];
  const parts: Part[] = [];
  for (const entry of await host.files.list(folder)) {
    const stat = await host.files.stat(join(folder, entry));
    if (stat?.kind !== 'file') continue;
    const { size, modified } = stat;
    const [, name, sha256] = PART.exec(entry) ?? [];
    if (name !== undefined && sha256 !== undefined) parts.push({ name, sha256, size, modified });
    else if (isStoreName(entry)) files.push({ name: entry, size, modified });
  }
  return { files, parts };
}

const RESTORE_KEYS = 'restore-keys';
const MAX_KEYS = 16;

/** Fingerprints of the public keys that may read this peer's files, oldest first. */
export async function readRestoreKeys(host: Host, folder: string): Promise<readonly string[]> {
  const text = (await host.files.read(join(folder, `.${RESTORE_KEYS}`))) ?? '';
  return text.split('\n').filter((line) => /^[0-9a-f]{64}$/.test(line));
}

/** Keys are only added: a taken-over box must not lock out its owner's recovery key. False when there are too many. */
export async function addRestoreKey(host: Host, folder: string, key: string): Promise<boolean> {
  const present = await readRestoreKeys(host, folder);
  if (present.includes(key)) return true;
  if (present.length >= MAX_KEYS) return false;
  const text = `${[...present, key].join('\n')}\n`;
  await host.files.replace(join(folder, `.${RESTORE_KEYS}`), text, { mode: 0o600 });
  return true;
}
