// dns-01 challenges (RFC 8555 8.4): completed only when every authoritative server shows the records, and
// removed after success and after failure.

import { MailctlError } from '../../errors.ts';
import type { AcmeAuthorization, AcmeSession } from '../../host/acme.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import type { OpenState } from '../container/state-file.ts';
import type { DnsState } from '../dns/publish/state.ts';
import { type PublishedValue, publishValues, removeValues } from '../dns/publish/values.ts';

const LABEL = '_acme-challenge.';

/** Removes the records of an interrupted run. A failure of the provider is reported, not thrown. */
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
    host.say(
      `the challenge records at ${names} are still published (the next ssl-renew removes them):`,
    );
    host.say(error.message);
  }
}

function dnsChallenge(authorization: AcmeAuthorization) {
  const found = authorization.challenges.find(({ type }) => type === 'dns-01');
  if (found !== undefined) return found;
  const { value } = authorization.identifier;
  throw new MailctlError('ACME_REFUSED', `the CA offers no dns-01 challenge for ${value}`, {
    hint: 'choose another CA: mailctl set ssl.directory <URL>',
  });
}

/** Publishes the records of all pending challenges, then asks the CA to validate them. */
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
  host.say(`publishing the challenge records for ${pending.length} names`);
  await publishValues(host, target, values, { dns });
  host.say('every authoritative server shows them; asking the CA to validate');
  for (const authorization of pending) await client.completeChallenge(dnsChallenge(authorization));
}

/** The CA's reason for each failed challenge: `name: reason`. */
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
