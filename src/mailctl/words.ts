// The first words of mailctl. A word's module is loaded when the word is typed; the table alone is enough
// for the list of words.

import type { Register } from './command.ts';

export interface FirstWord {
  readonly name: string;
  readonly about: string;
  /** Its script holds the words of all others. */
  readonly needsAll?: true;
  load(): Promise<Register>;
}

export const WORDS: readonly FirstWord[] = [
  {
    name: 'install',
    about: 'set up the mail server and start it; run again, it changes nothing',
    load: async () => (await import('./commands/install.ts')).registerInstall,
  },
  {
    name: 'uninstall',
    about: 'remove the mail server; its data stays',
    load: async () => (await import('./commands/uninstall.ts')).registerUninstall,
  },
  {
    name: 'start',
    about: 'start the mail server as the UCI file describes it',
    load: async () => (await import('./commands/start.ts')).registerStart,
  },
  {
    name: 'stop',
    about: 'stop the mail server and take its mounts, interfaces and rules away',
    load: async () => (await import('./commands/start.ts')).registerStop,
  },
  {
    name: 'restart',
    about: 'stop and start the mail server',
    load: async () => (await import('./commands/start.ts')).registerRestart,
  },
  {
    name: 'status',
    about: 'show whether the mail server is well, and if not, why',
    load: async () => (await import('./commands/status.ts')).registerStatus,
  },
  {
    name: 'plan',
    about: 'show what apply would change, as a diff',
    load: async () => (await import('./commands/plan.ts')).registerPlan,
  },
  {
    name: 'apply',
    about: 'make the server what the UCI file says, prove it, or go back',
    load: async () => (await import('./commands/apply.ts')).registerApply,
  },
  {
    name: 'config',
    about: 'look at the UCI file',
    load: async () => (await import('./commands/config.ts')).registerConfig,
  },
  {
    name: 'user',
    about: 'manage mailboxes',
    load: async () => (await import('./commands/user.ts')).registerUser,
  },
  {
    name: 'alias',
    about: 'manage aliases and catch-alls',
    load: async () => (await import('./commands/alias.ts')).registerAlias,
  },
  {
    name: 'domain',
    about: 'manage mail domains',
    load: async () => (await import('./commands/domain.ts')).registerDomain,
  },
  {
    name: 'dns-setup',
    about: 'publish the records of the mail domains, and prove it',
    load: async () => (await import('./commands/dns-setup.ts')).registerDnsSetup,
  },
  {
    name: 'dns-check',
    about: 'ask the authoritative servers what is published, and say what is wrong',
    load: async () => (await import('./commands/dns-check.ts')).registerDnsCheck,
  },
  {
    name: 'dkim',
    about: 'the keys that sign the mail of your domains',
    load: async () => (await import('./commands/dkim.ts')).registerDkim,
  },
  {
    name: 'ssl-setup',
    about: 'get a certificate from the CA (ACME, proved by DNS) and serve it',
    load: async () => (await import('./commands/ssl-setup.ts')).registerSslSetup,
  },
  {
    name: 'ssl-renew',
    about: 'renew the certificate when it is time; the old one serves until the new one does',
    load: async () => (await import('./commands/ssl-renew.ts')).registerSslRenew,
  },
  {
    name: 'ssl-status',
    about: 'show the certificate, what each port serves, and the next renewal',
    load: async () => (await import('./commands/ssl-status.ts')).registerSslStatus,
  },
  {
    name: 'queue',
    about: 'the mail that waits to be delivered',
    load: async () => (await import('./commands/queue.ts')).registerQueue,
  },
  {
    name: 'serve',
    about: 'do what is due when it is due, until SIGTERM; SIGHUP makes it look now',
    load: async () => (await import('./commands/serve.ts')).registerServe,
  },
  {
    name: 'wan-changed',
    about: 'publish the address of the WAN interface if it is another one now',
    load: async () => (await import('./commands/wan-changed.ts')).registerWanChanged,
  },
  {
    name: 'fail2ban',
    about: 'the addresses that are banned',
    load: async () => (await import('./commands/fail2ban.ts')).registerFail2ban,
  },
  {
    name: 'logs',
    about: 'show the last lines of the log of all daemons; times are UTC',
    load: async () => (await import('./commands/logs.ts')).registerLogs,
  },
  {
    name: 'test',
    about: 'send a test message from the postmaster, and see what becomes of it',
    load: async () => (await import('./commands/test.ts')).registerTest,
  },
  {
    name: 'doctor',
    about: 'look at everything, say what is wrong and how to fix it',
    load: async () => (await import('./commands/doctor.ts')).registerDoctor,
  },
  {
    name: 'report',
    about: 'the daily report to the postmaster',
    load: async () => (await import('./commands/report.ts')).registerReport,
  },
  {
    name: 'completion',
    about: 'print a script that completes the words of mailctl',
    needsAll: true,
    load: async () => (await import('./commands/completion.ts')).registerCompletion,
  },
  {
    name: 'version',
    about: 'show the versions of the program, its templates and the installed image',
    load: async () => (await import('./commands/version.ts')).registerVersion,
  },
];
