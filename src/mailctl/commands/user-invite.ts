// mailctl user invite: a one-time link with which a person sets the password of a mailbox.

import type { Command } from 'commander';
import { renderUnicodeCompact } from 'uqr';
import { parseAddress } from '../../appliance/address.ts';
import { type Invited, invite, requirePages } from '../../appliance/self-service/invite.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';

/** Drawn for a dark terminal; cameras read the reverse as well. */
const qrLines = (link: string): string[] => renderUnicodeCompact(link).trimEnd().split('\n');

function report({ output }: App, { mailbox, created, link, expires }: Invited): ExitStatus {
  const { address } = mailbox;
  if (created) output.note(`created ${address}`);
  const until = expires.toISOString();
  output.note(`the link sets the password of ${address}; it works once, until ${until}`);
  const lines = output.forPeople ? [link, '', ...qrLines(link)] : [link];
  output.result(lines, { address, created, link, expires: until });
  return STATUS.OK;
}

export async function runInvite(app: App, text: string): Promise<ExitStatus> {
  const address = parseAddress(text);
  requirePages(await app.appliance());
  return app.change({
    word: 'user invite',
    apply: (target) => invite(app.host, target, address),
    report: (invited) => report(app, invited),
  });
}

export function registerUserInvite(user: Command, line: CommandLine): void {
  const command = user
    .command('invite <address>')
    .description(
      'print a one-time link with which a person sets the password; creates the mailbox',
    );
  defineWord(command, line, {
    kind: 'changes',
    run: runInvite,
    ends: [
      ...(['ADDRESS_INVALID', 'DIRECTORY_INVALID', 'FILE_FAILED', 'NOT_RUNNING'] as const),
      ...(['ALIAS_EXISTS', 'DOMAIN_UNKNOWN', 'DOMAIN_LIMIT'] as const),
    ],
    examples: [
      'mailctl user invite alice@example.com',
      'mailctl user invite alice@example.com | mail -s Welcome alice@example.org',
    ],
  });
}
