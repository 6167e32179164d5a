// The key that encrypts what Roundcube keeps of a session, made for this installation. A moved data folder keeps it.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { generateSecret } from '../../host/keys.ts';
import { SECRET_FILE } from '../container/modes.ts';
import type { Paths } from '../paths.ts';

// what generateSecret returns; AES-256 takes 32 bytes
const FORM = /^[A-Za-z0-9_-]{32}$/;

const pathOf = ({ data }: Paths): string => join(data, 'session.key');

async function readStored(host: Host, paths: Paths): Promise<string | null> {
  const path = pathOf(paths);
  const text = await host.files.read(path);
  if (text === null) return null;
  if (FORM.test(text.trim())) return text.trim();
  throw new MailctlError('DATA_INVALID', `${path} does not hold a key`, {
    hint: `rm ${path}; mailctl apply   (people then log in to webmail again)`,
  });
}

/** The stored key; if none is stored, a random one that is not stored (for a plan or a dry run). Throws DATA_INVALID. */
export async function readSessionKey(host: Host, paths: Paths): Promise<string> {
  return (await readStored(host, paths)) ?? generateSecret();
}

/** @param paths of the web container */
export async function ensureSessionKey(host: Host, paths: Paths): Promise<void> {
  if ((await readStored(host, paths)) !== null) return;
  const options = { mode: SECRET_FILE, owner: { uid: 0, gid: 0 } };
  await host.files.replace(pathOf(paths), `${generateSecret()}\n`, options);
}
