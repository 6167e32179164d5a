// The owner of every entry of the data folder, by its path. Copies lose owners; the container's root cannot restore
// them, because its ids do not include those that a copy leaves.

import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { type Account, ID_RANGE, ids } from '../ids.ts';
import { webIdmapBase } from '../settings/web-conflicts.ts';

/** As made by lxc-template/mail/rootfs/etc/s6/services/postfix/run, and by Postfix in it. */
function queueOwner([, folder, ...inner]: readonly string[]): Account {
  const { root, postfix, postdrop } = ids;
  if (folder === undefined || folder === 'pid') return root;
  const isFolder = inner.length === 0;
  if (folder === 'maildrop' || (folder === 'public' && isFolder)) {
    return { uid: postfix.uid, gid: postdrop.gid };
  }
  return isFolder ? { uid: postfix.uid, gid: root.gid } : postfix;
}

const STATE_OWNERS: Readonly<Record<string, Account>> = {
  sieve: ids.vmail,
  'last-use': ids.dovecot,
  rspamd: ids._rspamd,
  valkey: ids.valkey,
  unbound: ids.unbound,
  clamav: ids.clamav,
};

function stateOwner([, folder = '', ...inner]: readonly string[]): Account {
  const { root, postfix } = ids;
  if (folder !== 'postfix') return STATE_OWNERS[folder] ?? root;
  return inner.length === 0 ? { uid: postfix.uid, gid: root.gid } : postfix;
}

/** mailctl's own files among those of OpenDKIM. */
const isDkimState = (name = ''): boolean => name.startsWith('.') || name.startsWith('keys.json');

function dkimOwner(name: string | undefined): Account | null {
  if (isDkimState(name)) return null;
  // Rspamd reads the key of ARC seals
  return name === 'ArcKey' ? ids._rspamd : ids.opendkim;
}

/** @param parts names from the data folder; null for the host's root */
function ownerOf(parts: readonly string[]): Account | null {
  const [top, second] = parts;
  if (top === 'mail') return ids.vmail;
  if (top === 'log') return ids.log;
  if (top === 'queue') return queueOwner(parts);
  if (top === 'state') return stateOwner(parts);
  if (top === 'dkim') return dkimOwner(second);
  if (top === 'ssl') return second?.startsWith('pair-') ? ids.root : null;
  if (top !== 'directory' || second === undefined) return null;
  return { uid: ids.dovecot.uid, gid: ids.postfix.gid };
}

/** Of a file of the web container. @param parts names from its folder */
function webOwner([top, second]: readonly string[], base: number) {
  const shifted = ({ uid, gid }: Account) => ({ uid: base + uid, gid: base + gid });
  if (top === 'rendered') return null;
  if (top === 'log') return shifted(ids.log);
  if (top === 'ssl' && second !== undefined) return shifted(ids.root);
  if (top !== 'state') return { uid: 0, gid: 0 };
  if (second === 'nginx' || second === 'roundcube') return shifted(ids[second]);
  return shifted(ids.root);
}

/**
 * Restores the owners in the data folder; counts those that were wrong.
 * @param copied all of them exactly; otherwise only those that are no ids of the container, in its own folders, so that
 * a running daemon keeps its files
 */
export async function restoreOwners(
  host: Host,
  { settings, paths }: Appliance,
  { copied }: { copied: boolean },
): Promise<number> {
  const { idmapBase } = settings.main;
  const isOurs = (id: number) => id >= idmapBase && id < idmapBase + ID_RANGE;
  const webBase = webIdmapBase(settings);
  return host.untrusted.setOwners(paths.data, (parts, { uid, gid }) => {
    // generations have the owners of their manifest
    if (parts[0] === 'rendered') return null;
    if (parts[0] === 'webmail') return copied ? webOwner(parts.slice(1), webBase) : null;
    const owner = ownerOf(parts);
    if (owner === null) return copied ? { uid: 0, gid: 0 } : null;
    if (!copied && isOurs(uid) && isOurs(gid)) return null;
    return { uid: idmapBase + owner.uid, gid: idmapBase + owner.gid };
  });
}
