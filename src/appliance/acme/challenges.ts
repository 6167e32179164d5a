// Proofs for the CA by records in the DNS (RFC 8555 8.4): answered only when every authoritative server
// shows them, and taken back whatever happened.

import { MailctlError } from '../../errors.ts';
import type { AcmeAuthorization, AcmeSession } from '../../host/acme.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import type { OpenState } from '../container/state-file.ts';
import type { DnsState } from '../dns/publish/state.ts';
import { type PublishedValue, publishValues, removeValues } from '../dns/publish/values.ts';

const LABEL = '_acme-challenge.';

/** Takes back what an interrupted run has left; a provider that fails keeps nothing from going on. */
export async function removeChallenges(
  host: Host,
  target: Appliance,
  dns: OpenState<DnsState>,
): Promise<void> {
  const { values } = dns.current;
  const left = values.filter(({ name, held }) => held && name.startsWith(LABEL));
  if (left.length === 0) return;
  try {
    await removeValues(host, target, left, { dns });
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    const names = [...new Set(left.map(({ name }) => name))].join(', ');
    host.say(`the proofs at ${names} are still published, and go with the next ssl-renew:`);
    host.say(error.message);
  }
}

function dnsChallenge(authorization: AcmeAuthorization) {
  const found = authorization.challenges.find(({ type }) => type === 'dns-01');
  if (found !== undefined) return found;
  const { value } = authorization.identifier;
  throw new MailctlError('ACME_REFUSED', `the CA does not prove ${value} by DNS (dns-01)`, {
    hint: 'choose another CA: uci set mailserver.ssl.directory=<URL>',
  });
}

/** Publishes the proofs of all authorizations that need one, then tells the CA to look. */
export async function answerChallenges(
  host: Host,
  target: Appliance,
  {
    session,
    authorizations,
    dns,
  }: {
    session: AcmeSession;
    authorizations: readonly AcmeAuthorization[];
    dns: OpenState<DnsState>;
  },
): Promise<void> {
  const { client } = session;
  const pending = authorizations.filter(({ status }) => status === 'pending');
  const values: PublishedValue[] = [];
  for (const authorization of pending) {
    const value = await client.getChallengeKeyAuthorization(dnsChallenge(authorization));
    const name = `${LABEL}${authorization.identifier.value}`;
    values.push({ name, type: 'TXT', value });
  }
  if (values.length === 0) return;
  host.say(`publishing the proofs for ${pending.length} names`);
  await publishValues(host, target, values, { dns });
  host.say('every authoritative server shows them; the CA is asked to look');
  for (const authorization of pending) await client.completeChallenge(dnsChallenge(authorization));
}

/** Why the CA did not accept a proof, a sentence for each name. */
export function challengeProblems(authorizations: readonly AcmeAuthorization[]): string[] {
  return authorizations
    .filter(({ status }) => status === 'invalid')
    .map(({ identifier, challenges }) => {
      const errors = challenges.map(
        (challenge) => (challenge as { error?: { detail?: string } }).error?.detail,
      );
      const detail = errors.find((text) => text !== undefined) ?? 'no reason given';
      return `${identifier.value}: ${detail}`;
    });
}
