// Modes and owners of files with secrets, for the code that writes them and for doctor, which checks them.

import type { WriteOptions } from '../../host/files.ts';
import { ids } from '../ids.ts';
import type { Settings } from '../settings/settings.ts';

/** Keys, passwords and state files. */
export const SECRET_FILE = 0o600;
/** Folders with only such files. */
export const SECRET_FOLDER = 0o700;

/** Owner on the host of a file that belongs to `id` inside the container. */
export function shiftedOwner(settings: Settings, id: number): { uid: number; gid: number } {
  return { uid: settings.main.idmapBase + id, gid: settings.main.idmapBase + id };
}

/** The TLS key in use: the daemons open it as the container's root, before they drop privileges. */
export const tlsKeyMode = (settings: Settings): Required<WriteOptions> => ({
  mode: SECRET_FILE,
  owner: shiftedOwner(settings, ids.root.uid),
});

/** Its certificate chain, which is public. */
export const tlsChainMode = (settings: Settings): Required<WriteOptions> => ({
  mode: 0o644,
  owner: shiftedOwner(settings, ids.root.uid),
});

/** OpenDKIM opens keys as its own user, and refuses a key that another user can read (RequireSafeKeys). */
export const dkimKeyMode = (settings: Settings): Required<WriteOptions> => ({
  mode: 0o400,
  owner: shiftedOwner(settings, ids.opendkim.uid),
});

/** KeyTable and SigningTable, which contain the paths of keys only. */
export const dkimTableMode = (settings: Settings): Required<WriteOptions> => ({
  mode: 0o440,
  owner: shiftedOwner(settings, ids.opendkim.uid),
});

/** The key of ARC seals, which Rspamd reads. */
export const arcKeyMode = (settings: Settings): Required<WriteOptions> => ({
  mode: 0o400,
  owner: shiftedOwner(settings, ids._rspamd.uid),
});

/** The folder of the DKIM keys: Rspamd passes through it to the key of ARC seals and cannot list it. */
export const DKIM_FOLDER = 0o751;

/**
 * The database of accounts contains password hashes: only Dovecot (owner) and Postfix (group) can read it, and
 * its mount is read-only.
 */
export const accountsDatabaseMode = ({ main }: Settings): Required<WriteOptions> => ({
  mode: 0o440,
  owner: { uid: main.idmapBase + ids.dovecot.uid, gid: main.idmapBase + ids.postfix.gid },
});
