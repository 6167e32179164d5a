// Creates what rendering needs: the probe password, the SRS secret, a certificate, the accounts with their postmaster, a DKIM
// key for each domain. Idempotent; returns what it created.

import type { Host } from '../../host/host.ts';
import {
  applyDirectory,
  changeDirectory,
  isDirectoryBehind,
  readDirectory,
} from '../accounts/accounts.ts';
import { addMailbox, sendOnlyPostmaster } from '../accounts/changes.ts';
import { isDeliverable, receives } from '../accounts/model.ts';
import { generatePassword, hashPassword } from '../accounts/password.ts';
import { domainOf } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { isDkimBehind, syncDkim } from '../dkim/dkim.ts';
import { ensureProbePassword } from '../probe/secret.ts';
import type { OnChange } from '../render/managed-file.ts';
import type { Settings } from '../settings/settings.ts';
import { ensureSrsSecrets } from '../srs/secret.ts';
import { isSelfSigned } from '../tls/certificate.ts';
import { ensureWaitingKey } from '../tls/keys.ts';
import { readInstalledPair } from '../tls/store.ts';
import { ensureCertificate, isCertificateBehind } from '../tls/tls.ts';
import type { Change } from './changes.ts';

const made = (name: string, effect: OnChange): Change => ({
  what: 'file',
  name,
  action: 'add',
  effect,
});

const CERTIFICATE = made('ssl/fullchain.pem', { reload: 'postfix' });
const DATABASE = made('directory.db', { none: true });
// OpenDKIM does not run without the feature
const keysMade = ({ features }: Settings): Change =>
  made('dkim keys', features.dkim ? { reload: 'opendkim' } : { none: true });

/**
 * RFC 5321 4.5.1: postmaster must be reachable. Creates a suspended mailbox for it when its address is not
 * deliverable.
 */
async function ensurePostmaster(host: Host, target: Appliance): Promise<boolean> {
  const { directory } = await readDirectory(host, target);
  const { postmaster } = directory;
  const ours = directory.domains.has(domainOf(postmaster));
  if (!ours || isDeliverable(directory, postmaster)) return false;
  const own = directory.mailboxes.get(postmaster);
  if (own !== undefined && !receives(own)) throw sendOnlyPostmaster(postmaster);
  await changeDirectory(host, target, (draft) => {
    // a random password that is not stored or shown; the operator sets one
    const hash = hashPassword(generatePassword());
    addMailbox(draft, { address: postmaster, hash, quotaBytes: null, active: false });
  });
  host.say(
    `created the mailbox ${postmaster}; to read it: mailctl user passwd ${postmaster}, then mailctl user resume ${postmaster}`,
  );
  return true;
}

/** Generates the key of the first CA certificate in advance, so that dns-setup publishes its TLSA record too. */
async function ensureNextKey(host: Host, target: Appliance): Promise<void> {
  if (target.settings.ssl.type !== 'letsencrypt') return;
  const pair = await readInstalledPair(host, target.paths);
  if (pair !== null && isSelfSigned(pair.chain[0])) await ensureWaitingKey(host, target);
}

/** What `prepare` would create, as far as it is known in advance. */
export async function planPreparation(host: Host, target: Appliance): Promise<Change[]> {
  const changes: Change[] = [];
  if (await isCertificateBehind(host, target)) changes.push(CERTIFICATE);
  if (await isDirectoryBehind(host, target)) changes.push(DATABASE);
  const { directory } = await readDirectory(host, target);
  if (await isDkimBehind(host, target, directory.domains)) changes.push(keysMade(target.settings));
  return changes;
}

/** Returns what it created. Throws DIRECTORY_INVALID, CERTIFICATE_INVALID, DKIM_KEY_INVALID. */
export async function prepare(host: Host, target: Appliance): Promise<Change[]> {
  const changes: Change[] = [];
  await ensureProbePassword(host, target);
  await ensureSrsSecrets(host, target);
  if ((await ensureCertificate(host, target)).changed) changes.push(CERTIFICATE);
  await ensureNextKey(host, target);
  if (await applyDirectory(host, target)) changes.push(DATABASE);
  if (await ensurePostmaster(host, target)) changes.push(made('config/users', { none: true }));
  const { directory } = await readDirectory(host, target);
  if ((await syncDkim(host, target, directory.domains)).changed)
    changes.push(keysMade(target.settings));
  return changes;
}
