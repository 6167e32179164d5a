// Modes and owners of what holds secrets: written with them, and compared with them by doctor.

import type { WriteOptions } from '../../host/files.ts';
import { ids } from '../ids.ts';
import type { Settings } from '../settings/settings.ts';

/** Keys, passwords and what is remembered of them. */
export const SECRET_FILE = 0o600;
/** Folders that hold nothing but such files. */
export const SECRET_FOLDER = 0o700;

/** Owner on the host of a file that belongs to `id` inside the container. */
export function shiftedOwner(settings: Settings, id: number): { uid: number; gid: number } {
  return { uid: settings.main.idmapBase + id, gid: settings.main.idmapBase + id };
}

/** The key that is served: the daemons open it as root of the container, before they drop privileges. */
export const tlsKeyMode = (settings: Settings): Required<WriteOptions> => ({
  mode: SECRET_FILE,
  owner: shiftedOwner(settings, ids.root.uid),
});

/** The certificates beside it, which are public. */
export const tlsChainMode = (settings: Settings): Required<WriteOptions> => ({
  mode: 0o644,
  owner: shiftedOwner(settings, ids.root.uid),
});

/** OpenDKIM opens keys as its own account, and refuses a key that another account can read (RequireSafeKeys). */
export const dkimKeyMode = (settings: Settings): Required<WriteOptions> => ({
  mode: 0o400,
  owner: shiftedOwner(settings, ids.opendkim.uid),
});

/** Tables of selectors and domains; they name the keys and hold none. */
export const dkimTableMode = (settings: Settings): Required<WriteOptions> => ({
  mode: 0o440,
  owner: shiftedOwner(settings, ids.opendkim.uid),
});

/**
 * The database of accounts holds password hashes: it belongs to Dovecot and to Postfix's group, so that no other
 * daemon can read it; the mount keeps both from changing it.
 */
export const accountsDatabaseMode = ({ main }: Settings): Required<WriteOptions> => ({
  mode: 0o440,
  owner: { uid: main.idmapBase + ids.dovecot.uid, gid: main.idmapBase + ids.postfix.gid },
});
