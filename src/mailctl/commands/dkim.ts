// mailctl dkim: the keys with which the domains' mail is signed, as DNS wants them.

import type { Command } from 'commander';
import type { DkimRecord } from '../../appliance/dkim-record.ts';
import { MailctlError } from '../../errors.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../cli.ts';

async function wantedRecords(app: App, name: string | undefined): Promise<DkimRecord[]> {
  const { parseDomain } = await import('../../appliance/address.ts');
  const { readDirectory } = await import('../../appliance/directory.ts');
  const { readDkimRecords } = await import('../../appliance/dkim.ts');
  const wanted = name === undefined ? null : parseDomain(name);
  const target = await app.appliance();
  const { domains } = (await readDirectory(app.host, target)).directory;
  if (wanted !== null && !domains.has(wanted)) {
    throw new MailctlError('DOMAIN_UNKNOWN', `${wanted} is not a mail domain here`, {
      hint: 'mailctl domain list',
    });
  }
  return readDkimRecords(app.host, target.paths, wanted === null ? [...domains].sort() : [wanted]);
}

async function describeRecords(records: readonly DkimRecord[]): Promise<string[]> {
  const { formatZoneRecord } = await import('../../appliance/dkim-record.ts');
  return records.flatMap((record) => [
    `name:  ${record.name}`,
    `type:  ${record.type}`,
    `value: ${record.value}`,
    'as a line of a zone file, in strings of at most 255 bytes:',
    formatZoneRecord(record),
  ]);
}

export function registerDkim(program: Command, app: AppSource): void {
  const dkim = program.command('dkim').description('the keys that sign the mail of your domains');
  const show = dkim
    .command('show [domain]')
    .description('print the DNS record of a domain, or of all')
    .action(async (domain: string | undefined) => {
      const records = await wantedRecords(app(), domain);
      app().output.result(await describeRecords(records), { records });
    });
  describeWord(show, {
    examples: ['mailctl dkim show example.com', 'mailctl dkim show --json'],
    statuses: [
      '64  that is no domain name',
      '65  a key is missing or damaged',
      '67  no such mail domain',
      '78  the UCI file is wrong',
    ],
  });
}
