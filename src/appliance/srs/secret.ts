// The secrets that sign SRS addresses: one line each in the data folder, the signing one first, then the former one, whose
// addresses are still accepted. A moved data folder keeps them, so bounces of mail sent before the move still return.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { generateSecret } from '../../host/keys.ts';
import { SECRET_FILE } from '../container/modes.ts';
import type { Paths } from '../paths.ts';
import type { SrsSecrets } from '../render/facts.ts';

// what generateSecret returns
const FORM = /^[A-Za-z0-9_-]{32}$/;
const OWNER = { uid: 0, gid: 0 };

interface Target {
  readonly paths: Paths;
}

/** Null when there is no file. Throws DATA_INVALID: a new secret would make every address in use invalid. */
async function readStored(host: Host, { srsSecret: path }: Paths): Promise<SrsSecrets | null> {
  const text = await host.files.read(path);
  if (text === null) return null;
  const [signing = '', former = null, ...more] = text.trimEnd().split('\n');
  const isValid = FORM.test(signing) && (former === null || FORM.test(former)) && more.length === 0;
  if (isValid) return { signing, former };
  throw new MailctlError('DATA_INVALID', `${path} does not hold one or two SRS secrets`, {
    hint: `restore it from a backup; or: rm ${path}; mailctl apply   (bounces of forwarded mail on its way are then refused)`,
  });
}

async function write(host: Host, paths: Paths, { signing, former }: SrsSecrets): Promise<void> {
  const lines = former === null ? [signing] : [signing, former];
  const options = { mode: SECRET_FILE, owner: OWNER };
  await host.files.replace(paths.srsSecret, `${lines.join('\n')}\n`, options);
}

/** The stored secrets; if none is stored, a random one that is not stored (for a plan or a dry run). */
export async function readSrsSecrets(host: Host, paths: Paths): Promise<SrsSecrets> {
  return (await readStored(host, paths)) ?? { signing: generateSecret(), former: null };
}

/** Creates a missing secret and fixes owner and mode. Throws DATA_INVALID. */
export async function ensureSrsSecrets(host: Host, { paths }: Target): Promise<void> {
  const stored = await readStored(host, paths);
  const stat = await host.files.stat(paths.srsSecret);
  if (stored !== null && stat?.mode === SECRET_FILE && stat.uid === 0) return;
  await write(host, paths, stored ?? { signing: generateSecret(), former: null });
}

/** A new secret signs; the one before is accepted until the next rotation. Throws DATA_INVALID. */
export async function rotateSrsSecret(host: Host, { paths }: Target): Promise<void> {
  const stored = await readStored(host, paths);
  await write(host, paths, { signing: generateSecret(), former: stored?.signing ?? null });
}
