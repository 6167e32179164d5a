// Checks of what other servers and clients see: DNS, certificate, DKIM signature.

import { readDirectory } from '../accounts/accounts.ts';
import { expiryWarning } from '../acme/policy.ts';
import { readAcmeState } from '../acme/state.ts';
import { addressInUse } from '../container/host-part.ts';
import { readDkimRecords } from '../dkim/dkim.ts';
import { checkDns } from '../dns/check/check.ts';
import type { DnsFinding } from '../dns/check/finding.ts';
import { fingerprintOf, isSelfSigned, pairProblems } from '../tls/certificate.ts';
import { servedCertificates } from '../tls/served.ts';
import { readInstalledPair } from '../tls/store.ts';
import { certificateNames } from '../tls/tls.ts';
import type { Check } from './context.ts';
import type { Finding, Severity } from './finding.ts';
import { verifyOwnSignature } from './signature.ts';

const SEVERITY_OF: Readonly<Record<DnsFinding['verdict'], Severity>> = {
  ...{ right: 'ok', wrong: 'error', missing: 'error' },
  ...{ unknown: 'unknown', advice: 'note' },
};

function fromDns(found: DnsFinding): Finding {
  const { id, subject, verdict, message, measured, published, wanted, fix } = found;
  const values = [
    ...(published.length > 0 ? [`published: ${published.join(' | ')}`] : []),
    ...(wanted.length > 0 ? [`wanted: ${wanted.join(' | ')}`] : []),
  ];
  const command = fix ?? (id.startsWith('record') ? 'mailctl dns-setup' : null);
  return {
    id: `dns.${id}`,
    severity: SEVERITY_OF[verdict],
    message: [`${subject}: ${message}`, ...values].join('; '),
    measured,
    fix: verdict === 'right' ? null : command,
  };
}

const dns: Check = {
  id: 'dns',
  about: 'the findings of dns-check: records, PTR, SPF, DNSSEC, blocklists, port 25',
  measured: 'the authoritative servers and the resolver',
  run: async ({ host, target }) => (await checkDns(host, target)).map(fromDns),
};

const certificate: Check = {
  id: 'tls.certificate',
  about: 'the certificate is valid, for the right name, and does not expire soon',
  measured: 'the installed certificate and key',
  run: async ({ host, target }, report) => {
    const pair = await readInstalledPair(host, target.paths);
    if (pair === null) return report('error', 'there is no certificate', { fix: 'mailctl apply' });
    const [leaf] = pair.chain;
    const now = host.clock.now();
    const { type } = target.settings.ssl;
    const fix = type === 'letsencrypt' ? 'mailctl ssl-renew --now' : 'mailctl ssl-status';
    const problems = pairProblems(pair, { names: certificateNames(target.settings), now });
    if (problems.length > 0) return report('error', problems.join('; '), { fix });
    const warning = expiryWarning(leaf, now);
    if (warning !== null) return report(warning.severity, warning.message, { fix });
    if (!isSelfSigned(leaf)) return report('ok', 'the certificate is valid and for the right name');
    const message = 'the certificate is self-signed: mail programs will ask whether to trust it';
    if (type === 'selfsigned') return report('note', message);
    return report('warning', message, { fix: 'mailctl ssl-setup' });
  },
};

const served: Check = {
  id: 'tls.ports',
  about: 'every TLS port shows the installed certificate',
  needsContainer: true,
  measured: 'a TLS handshake with each port',
  run: async ({ host, target }, report) => {
    const pair = await readInstalledPair(host, target.paths);
    const address = await addressInUse(host, target.paths);
    const all = (await servedCertificates(host, target, address)) ?? [];
    const wanted = pair === null ? null : fingerprintOf(pair.chain[0]);
    const wrong = all.filter(({ fingerprint }) => fingerprint !== wanted);
    if (wrong.length === 0) return report('ok', 'every port shows the installed certificate');
    const names = wrong.map(
      ({ name, port, problem }) => `${name} (${port}): ${problem ?? 'another certificate'}`,
    );
    return report('error', `the installed certificate is not shown on ${names.join('; ')}`, {
      fix: 'mailctl restart',
    });
  },
};

const renewal: Check = {
  id: 'tls.renewal',
  about: 'the certificate renews itself',
  measured: 'the result of the last attempt',
  run: async ({ host, target }, report) => {
    const { lastError, failures, notBefore } = await readAcmeState(host, target.paths);
    if (lastError === null) return report('ok', 'the last attempt did not fail');
    const message = `${failures.length} attempts failed, the last with: ${lastError}; next attempt after ${notBefore}`;
    return report('warning', message, { fix: 'mailctl ssl-renew' });
  },
};

const keys: Check = {
  id: 'dkim.keys',
  about: 'every mail domain has a key, and no rotation is stuck',
  measured: 'the key files and the DKIM state',
  run: async ({ host, target }, report) => {
    if (!target.settings.features.dkim)
      return report('note', 'features.dkim is 0: mail is not signed');
    const { directory } = await readDirectory(host, target);
    const records = await readDkimRecords(host, target, directory.domains);
    const waiting = records.filter(({ use }) => use === 'waiting');
    if (waiting.length === 0) return report('ok', `${directory.domains.size} domains have a key`);
    const names = waiting.map(({ name }) => name).join(', ');
    return report('warning', `not visible at every name server yet: ${names}`, {
      fix: 'mailctl dkim step',
    });
  },
};

const signature: Check = {
  id: 'dkim.signature',
  about: 'sent mail carries a DKIM signature that receivers can verify',
  needsContainer: true,
  measured:
    'a message to the probe account, signed by OpenDKIM, verified by Rspamd against the published key',
  run: async ({ host, target }, report) => {
    if (!target.settings.features.dkim)
      return report('note', 'features.dkim is 0: mail is not signed');
    const { good, words } = await verifyOwnSignature(host, target);
    if (good === null) return report('unknown', `inconclusive: ${words}`);
    if (good) return report('ok', words);
    return report('error', words, { fix: 'mailctl dns-check' });
  },
};

export const TRUST_CHECKS: readonly Check[] = [dns, certificate, served, renewal, keys, signature];
