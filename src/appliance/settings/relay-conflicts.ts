// Conflicts between the options of relayhosts: of the one for all mail, and of those for single sender domains.

import { parseIp } from '../../host/ip.ts';
import type { Conflict } from './conflict.ts';
import { parseNexthop } from './names.ts';
import { isWrapped, relayTlsMode } from './relay-section.ts';
import type { Settings } from './settings.ts';

const NEEDS_NAME = 'but verification of its certificate needs a host name: set a name';

export function findRelayConflicts({ smtp }: Settings): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  if (smtp.relayUser !== null && smtp.relayhost === null) {
    const message = 'relay_user requires relayhost';
    conflicts.push({ options: ['smtp.relay_user', 'smtp.relayhost'], message });
  }
  if ((smtp.relayUser === null) !== (smtp.relayPassword === null)) {
    const message = 'relay_user and relay_password must be set together';
    conflicts.push({ options: ['smtp.relay_user', 'smtp.relay_password'], message });
  }
  if (smtp.relayhost === null) return conflicts;
  const { host } = parseNexthop(smtp.relayhost);
  if (relayTlsMode(smtp.relayTls, smtp.relayUser) === 'verify' && parseIp(host) !== undefined) {
    const message = `relayhost is the address ${host}, ${NEEDS_NAME}, or relay_tls 'encrypt'`;
    conflicts.push({ options: ['smtp.relayhost', 'smtp.relay_tls'], message });
  }
  return conflicts;
}

export function findSenderRelayConflicts({ relays, smtp }: Settings): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  for (const [index, { section, domain, host: nexthop, user, password, tls }] of relays.entries()) {
    const add = (message: string, ...names: [string, ...string[]]) =>
      conflicts.push({ options: [`${section}.${names[0]}`, ...names.slice(1)], message });
    const { host } = parseNexthop(nexthop);
    const earlier = relays.slice(0, index).find((other) => other.domain === domain);
    if (earlier !== undefined) add(`relay '${earlier.section}' is for ${domain} already`, 'domain');
    if ((user === null) !== (password === null)) {
      add('user and password must be set together', 'user', `${section}.password`);
    }
    // Postfix wraps the connections to all relayhosts in TLS, or those to none
    if (isWrapped(nexthop)) add('port 465 is possible for smtp.relayhost only: use 587', 'host');
    if (relayTlsMode(tls, user) === 'verify' && parseIp(host) !== undefined) {
      add(`host is the address ${host}, ${NEEDS_NAME}, or tls 'encrypt'`, 'host');
    }
  }
  if (smtp.relayhost !== null && isWrapped(smtp.relayhost) && relays.length > 0) {
    const message = 'with relays by sender domain, relayhost cannot use port 465: use 587';
    conflicts.push({ options: ['smtp.relayhost'], message });
  }
  return conflicts;
}
