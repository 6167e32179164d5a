// The placeholders of the relayhosts: for all mail, and for single sender domains.

import { isWrapped, relayTlsMode } from '../settings/relay-section.ts';
import type { Settings } from '../settings/settings.ts';
import { inlineTable } from './inline-table.ts';

/** The TLS level of each relayhost by sender domain; `verify` wins where two domains share one. */
function relayPolicies(relays: Settings['relays']): Map<string, string> {
  const policies = new Map<string, string>();
  for (const { host, user, tls } of relays) {
    const mode = relayTlsMode(tls, user);
    const level = mode === 'verify' ? 'secure' : mode === 'encrypt' ? 'encrypt' : 'dane';
    if (policies.get(host) !== 'secure') policies.set(host, level);
  }
  return policies;
}

/** The login at the relayhost of a domain; Postfix looks it up by sender before it does by relayhost. */
export function relayCredentials({ relays }: Settings): string[] {
  return relays.flatMap(({ domain, user, password }) => {
    if (user === null || password === null) return [];
    checkCredentials(user, password);
    return [`@${domain} ${user}:${password}`];
  });
}

export const hasCredentials = ({ smtp, relays }: Settings): boolean =>
  smtp.relayUser !== null || relays.some(({ user }) => user !== null);

export function relayValues(settings: Settings): Record<string, string> {
  const { smtp, relays } = settings;
  const { relayhost, relayUser, relayPassword } = smtp;
  const withLogin = relayhost !== null && relayUser !== null && relayPassword !== null;
  if (withLogin) checkCredentials(relayUser, relayPassword);
  const tls = relayTls(smtp);
  const policies = relayPolicies(relays);
  const verifies = [tls.smtp_tls_security_level, ...policies.values()].includes('secure');
  return {
    relayhost: relayhost ?? '',
    relay_credentials: withLogin ? `${relayUser}:${relayPassword}` : '',
    ...tls,
    smtp_tls_policy_maps: inlineTable(policies),
    smtp_tls_ca_file: verifies ? '/etc/ssl/certs/ca-certificates.crt' : '',
    sender_relay_maps: inlineTable(relays.map(({ domain, host }) => [`@${domain}`, host])),
    smtp_sender_auth: relays.some(({ user }) => user !== null) ? 'yes' : 'no',
    smtp_sasl_auth_enable: hasCredentials(settings) ? 'yes' : 'no',
    smtp_sasl_password_maps: hasCredentials(settings) ? 'texthash:/etc/postfix/sasl_passwd' : '',
  };
}

/** Postfix's level `secure` compares the certificate with the configured name, not with the MX name from the DNS. */
function relayTls({ relayhost, relayUser, relayTls: wanted }: Settings['smtp']) {
  const none = {
    smtp_tls_security_level: 'dane',
    smtp_tls_wrappermode: 'no',
  };
  if (relayhost === null) return none;
  const wrapped = isWrapped(relayhost);
  const mode = relayTlsMode(wanted, relayUser);
  if (mode === null && !wrapped) return none;
  return {
    smtp_tls_security_level: mode === 'verify' ? 'secure' : 'encrypt',
    smtp_tls_wrappermode: wrapped ? 'yes' : 'no',
  };
}

/** The table has `user:password` on one line; Postfix strips leading and trailing blanks. */
function checkCredentials(user: string, password: string): void {
  if (/[:\s]/.test(user)) throw new Error('the login at the relayhost has a colon or a blank');
  if (/^\s|\s$/.test(password)) throw new Error('the password at the relayhost ends in a blank');
}
