// The password of the internal account that the probes use. It is valid for logins from this host
// only, is stored in the data folder, and is never printed.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { generateSecret } from '../../host/keys.ts';
import { SECRET_FILE } from '../container/modes.ts';
import type { Paths } from '../paths.ts';

// only characters that no configuration file has to quote
const FORM = /^[A-Za-z0-9_-]{32}$/;

function secretPath(paths: Paths): string {
  return join(paths.data, 'probe.secret');
}

/** The stored password; if none is stored, a random one that is not stored (for a plan or a dry run). */
export async function readProbePassword(host: Host, paths: Paths): Promise<string> {
  const text = (await host.files.read(secretPath(paths)))?.trim() ?? '';
  return FORM.test(text) ? text : generateSecret();
}

/** Creates the password if it is missing or its file has wrong permissions or contents. */
export async function ensureProbePassword(
  host: Host,
  target: { readonly paths: Paths },
): Promise<{ changed: boolean }> {
  const path = secretPath(target.paths);
  const present = await host.files.stat(path);
  const text = (await host.files.read(path))?.trim() ?? '';
  const kept = present?.kind === 'file' && present.mode === SECRET_FILE && present.uid === 0;
  if (kept && FORM.test(text)) return { changed: false };
  const password = FORM.test(text) ? text : generateSecret();
  const owner = { uid: 0, gid: 0 };
  await host.files.replace(path, `${password}\n`, { mode: SECRET_FILE, owner });
  return { changed: true };
}
