// What was probably meant by an unknown command: the word of mailctl for it, or the nearest spelling.

import type { Command } from 'commander';
import { findNearest } from '../appliance/settings/nearest.ts';

/** Words for the same thing; one of each line is a command of mailctl, or of a group. */
const SYNONYMS: readonly (readonly string[])[] = [
  ['add', 'create', 'new', 'make', 'insert'],
  ['del', 'delete', 'remove', 'rm', 'erase', 'drop', 'destroy', 'purge'],
  ['show', 'get', 'view', 'print', 'info'],
  ['list', 'ls', 'all', 'show', 'status'],
  ['passwd', 'password', 'pw'],
  ['suspend', 'disable', 'block', 'lock', 'deactivate'],
  ['resume', 'enable', 'unblock', 'unlock', 'activate'],
  ['quota', 'limit', 'size'],
  ['generate', 'show', 'print', 'preview'],
  ['rotate', 'renew', 'new', 'add', 'create'],
  ['unban', 'remove', 'delete', 'del', 'allow', 'release'],
  ['flush', 'retry', 'resend', 'deliver'],
  ['release', 'unhold', 'resume'],
  ['check', 'test', 'validate', 'verify', 'lint'],
  ['user', 'users', 'mailbox', 'mailboxes', 'account', 'accounts'],
  ['alias', 'forward', 'forwards', 'catchall'],
  ['apply', 'reload', 'sync'],
  ['plan', 'diff', 'preview'],
  ['doctor', 'check', 'verify', 'diagnose', 'health'],
  ['install', 'setup', 'upgrade', 'update'],
  ['uninstall', 'remove', 'purge', 'delete', 'del'],
  ['queue', 'mailq', 'postqueue'],
  ['fail2ban', 'ban', 'bans', 'unban', 'banned'],
  ['ssl-status', 'ssl', 'tls', 'certificate', 'cert'],
  ['ssl-setup', 'acme', 'letsencrypt', 'certbot'],
  ['ssl-renew', 'renew'],
  ['dns-check', 'dns'],
];

/** The one of `names` that `typed` is another word for, or nearly. */
export function findMeant(typed: string, names: readonly string[]): string | undefined {
  const word = typed.toLowerCase();
  const same = SYNONYMS.filter((words) => words.includes(word)).flatMap((words) =>
    words.filter((other) => names.includes(other)),
  );
  return same[0] ?? findNearest(typed, names);
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** An unknown subcommand of this command, or of one below it, is refused with the one that was meant. */
export function suggestCommands(command: Command): void {
  if (command.commands.length === 0) return;
  command.on('command:*', ([typed = '']: string[]) => {
    const meant = findMeant(
      typed,
      command.commands.map((child) => child.name()),
    );
    const suggestion = meant === undefined ? '' : `\n(Did you mean ${pathOf(command)} ${meant}?)`;
    const message = `error: unknown command '${typed}'${suggestion}`;
    command.error(message, { code: 'commander.unknownCommand' });
  });
  for (const child of command.commands) suggestCommands(child);
}
