// Every file that mailctl renders for the container: where it goes, whose it is, who must reread it.

import type { AccountName } from '../ids.ts';
import type { Settings } from '../settings/check-settings.ts';
import { clamavFiles } from './clamav.ts';
import { dovecotFiles } from './dovecot.ts';
import { fail2banFiles } from './fail2ban.ts';
import { opendkimFiles } from './opendkim.ts';
import { postfixFiles } from './postfix.ts';
import { rspamdFiles } from './rspamd.ts';
import { systemFiles } from './system.ts';
import { unboundFiles } from './unbound.ts';
import { valkeyFiles } from './valkey.ts';

export type Daemon =
  | 'postfix'
  | 'dovecot'
  | 'rspamd'
  | 'opendkim'
  | 'unbound'
  | 'valkey'
  | 'fail2ban'
  | 'clamav';

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
  /** Included only when this holds; always when absent. */
  readonly when?: (settings: Settings) => boolean;
  /** Its content is never shown, also not in a plan. */
  readonly secret?: true;
  /** Operators' file below `custom/` that is appended when it exists. */
  readonly append?: string;
}

export const managedFiles: readonly ManagedFile[] = [
  ...systemFiles,
  ...postfixFiles,
  ...dovecotFiles,
  ...rspamdFiles,
  ...opendkimFiles,
  ...unboundFiles,
  ...valkeyFiles,
  ...fail2banFiles,
  ...clamavFiles,
];
