// mailctl ssl-status: the installed certificate, what each port serves, and the next renewal.

import type { Command } from 'commander';
import type { Schedule } from '../../appliance/acme/policy.ts';
import { nextRenewal } from '../../appliance/acme/renewal.ts';
import { type AcmeState, readAcmeState } from '../../appliance/acme/state.ts';
import { addressInUse } from '../../appliance/container/host-part.ts';
import { type ServedPort, servedCertificates } from '../../appliance/tls/served.ts';
import { type CertificateSummary, readCertificate } from '../../appliance/tls/tls.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { moment, warnOfExpiry } from '../renewal-text.ts';

interface Status {
  readonly certificate: CertificateSummary;
  /** null while the server is not running. */
  readonly ports: readonly ServedPort[] | null;
  readonly next: Schedule | null;
  readonly state: AcmeState;
}

async function readStatus(app: App): Promise<Status> {
  const target = await app.appliance();
  const certificate = await readCertificate(app.host, target);
  if (certificate === null) {
    throw new MailctlError('NOT_INSTALLED', 'no certificate is installed', {
      hint: 'mailctl install',
    });
  }
  const address = app.isRoot ? await addressInUse(app.host, target.paths) : null;
  return {
    certificate,
    ports: await servedCertificates(app.host, target, address),
    next: await nextRenewal(app.host, target),
    state: await readAcmeState(app.host, target.paths),
  };
}

function describePorts({ certificate, ports }: Status): string[] {
  if (ports === null) return ['ports:       the server is not running'];
  const shows = ({ fingerprint }: ServedPort) => fingerprint === certificate.fingerprint;
  const good = ports.filter(shows).map(({ name, port }) => `${name} (${port})`);
  const bad = ports
    .filter((port) => !shows(port))
    .map(({ name, port, fingerprint, problem }) => {
      const seen =
        fingerprint === null ? (problem ?? 'no certificate') : `other certificate: ${fingerprint}`;
      return `NOT on ${name} (${port}): ${seen}`;
    });
  return [...(good.length > 0 ? [`served on:   ${good.join(', ')}`] : []), ...bad];
}

function describeNext({ next, state, certificate }: Status, now: Date): string[] {
  if (next === null && certificate.type === 'letsencrypt') {
    return ['renewal:     not set up yet: mailctl ssl-setup'];
  }
  if (next === null) return [];
  const when = next.at <= now ? 'due now' : moment(next.at);
  const failed =
    state.lastError === null
      ? []
      : [`last error:  ${state.lastError} (${state.failures.length} attempts within a day)`];
  return [`renewal:     ${when}: ${next.why}`, ...failed];
}

function describeStatus(status: Status, now: Date): string[] {
  const { names, issuer, not_before, not_after, key, fingerprint, problem, ...rest } =
    status.certificate;
  const kind = rest.self_signed ? 'self-signed' : `issued by ${issuer}`;
  return [
    `names:       ${names.join(', ')}`,
    `certificate: ${kind} (ssl.type ${rest.type})`,
    `valid:       ${not_before.slice(0, 10)} to ${not_after.slice(0, 10)}`,
    `key:         ${key}`,
    `SHA-256:     ${fingerprint}`,
    ...(problem === null ? [] : [`problem:     ${problem}`]),
    ...describePorts(status),
    ...describeNext(status, now),
  ];
}

export async function run(app: App): Promise<ExitStatus> {
  const status = await readStatus(app);
  const { certificate, ports, next, state } = status;
  app.output.result(describeStatus(status, app.host.clock.now()), {
    ...certificate,
    ports,
    next_renewal: next?.at ?? null,
    next_renewal_why: next?.why ?? null,
    last_error: state.lastError,
    failures: state.failures,
  });
  await warnOfExpiry(app);
  return STATUS.OK;
}

export function registerSslStatus(command: Command, line: CommandLine): void {
  defineWord(command, line, {
    kind: 'reads',
    run,
    ends: ['NOT_INSTALLED', 'FILE_FAILED', 'CERTIFICATE_INVALID'],
    examples: ['mailctl ssl-status', 'mailctl ssl-status --json'],
  });
}
