// mailctl ssl-…: the certificate that the server shows.

import type { Command } from 'commander';
import type { CertificateSummary } from '../../appliance/tls.ts';
import { MailctlError } from '../../errors.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../cli.ts';

async function installedCertificate(app: App): Promise<CertificateSummary> {
  const { readCertificate } = await import('../../appliance/tls.ts');
  const certificate = await readCertificate(app.host, await app.appliance());
  if (certificate !== null) return certificate;
  throw new MailctlError('NOT_INSTALLED', 'there is no certificate yet', {
    hint: 'mailctl install',
  });
}

function describeCertificate(certificate: CertificateSummary): string[] {
  const { names, issuer, not_before, not_after, key, fingerprint, problem } = certificate;
  const kind = certificate.self_signed ? 'self-signed' : `issued by ${issuer}`;
  return [
    `names:       ${names.join(', ')}`,
    `certificate: ${kind} (ssl.type ${certificate.type})`,
    `valid:       ${not_before.slice(0, 10)} to ${not_after.slice(0, 10)}`,
    `key:         ${key}`,
    `SHA-256:     ${fingerprint}`,
    ...(problem === null ? [] : [`problem:     ${problem}`]),
  ];
}

export function registerSsl(program: Command, app: AppSource): void {
  const status = program
    .command('ssl-status')
    .description('show the certificate that the server uses')
    .action(async () => {
      const certificate = await installedCertificate(app());
      app().output.result(describeCertificate(certificate), certificate);
    });
  describeWord(status, {
    examples: ['mailctl ssl-status', 'mailctl ssl-status --json'],
    statuses: [
      '69  there is no certificate yet, or only root may read it',
      '78  the UCI file is wrong',
    ],
  });
}
