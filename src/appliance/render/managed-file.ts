// One file that mailctl renders for the container: its path, its owner, and the daemon to reload or restart.

import type { AccountName } from '../ids.ts';
import type { Settings } from '../settings/settings.ts';

export type Daemon =
  | 'postfix'
  | 'dovecot'
  | 'rspamd'
  | 'opendkim'
  | 'opendkim-ed25519'
  | 'postsrsd'
  | 'unbound'
  | 'valkey'
  | 'fail2ban'
  | 'clamav'
  | 'nginx'
  | 'php';

/** What must happen in the container when a file changes. A container restart covers everything. */
export type OnChange =
  | { readonly reload: Daemon }
  | { readonly restart: Daemon }
  | { readonly restart_container: true }
  | { readonly none: true };

export interface ManagedFile {
  /** Path inside the container; the template has the same path below lxc-template/mail/rootfs. */
  readonly path: string;
  readonly owner: AccountName;
  readonly group?: AccountName;
  readonly mode: number;
  readonly on_change: OnChange;
  /** The file is included if this returns true; always if absent. */
  readonly when?: (settings: Settings) => boolean;
  /** Lines that follow the text of the template, one for each item of a list in UCI. */
  readonly rows?: (settings: Settings) => readonly string[];
  /** Its content is never shown, not even in a plan. */
  readonly secret?: true;
  /** The operator's file below `custom/` that is appended if it exists. */
  readonly append?: string;
}
