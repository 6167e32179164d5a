// Every file that mailctl renders for the container.

import { clamavFiles } from './clamav.ts';
import { dovecotFiles } from './dovecot.ts';
import { fail2banFiles } from './fail2ban.ts';
import type { ManagedFile } from './managed-file.ts';
import { opendkimFiles } from './opendkim.ts';
import { postfixFiles } from './postfix.ts';
import { postsrsdFiles } from './postsrsd.ts';
import { rspamdFiles } from './rspamd.ts';
import { systemFiles } from './system.ts';
import { unboundFiles } from './unbound.ts';
import { valkeyFiles } from './valkey.ts';

export const managedFiles: readonly ManagedFile[] = [
  ...systemFiles,
  ...postfixFiles,
  ...postsrsdFiles,
  ...dovecotFiles,
  ...rspamdFiles,
  ...opendkimFiles,
  ...unboundFiles,
  ...valkeyFiles,
  ...fail2banFiles,
  ...clamavFiles,
];
