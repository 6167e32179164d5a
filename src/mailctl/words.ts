// The commands of mailctl. A command's module is loaded when the command is typed; the list of commands needs
// only this table.

import type { Register } from './command.ts';

export interface FirstWord {
  readonly name: string;
  readonly about: string;
  /** Its script contains the words of all commands. */
  readonly needsAll?: true;
  load(): Promise<Register>;
}

export const WORDS: readonly FirstWord[] = [
  {
    name: 'init',
    about: 'write the UCI file: asks for domain, host name and address, or takes them as options',
    load: async () => (await import('./commands/init.ts')).registerInit,
  },
  {
    name: 'install',
    about: 'set up the mail server and start it; repeated, a no-op',
    load: async () => (await import('./commands/install.ts')).registerInstall,
  },
  {
    name: 'uninstall',
    about: 'remove the mail server; keep its data',
    load: async () => (await import('./commands/uninstall.ts')).registerUninstall,
  },
  {
    name: 'start',
    about: 'start the mail server as the UCI file describes it',
    load: async () => (await import('./commands/start.ts')).registerStart,
  },
  {
    name: 'stop',
    about: 'stop the mail server, and keep it stopped until start or a boot',
    load: async () => (await import('./commands/start.ts')).registerStop,
  },
  {
    name: 'restart',
    about: 'stop and start the mail server',
    load: async () => (await import('./commands/start.ts')).registerRestart,
  },
  {
    name: 'status',
    about: 'show the state of the mail server and its faults',
    load: async () => (await import('./commands/status.ts')).registerStatus,
  },
  {
    name: 'plan',
    about: 'show what apply would change, as a diff',
    load: async () => (await import('./commands/plan.ts')).registerPlan,
  },
  {
    name: 'apply',
    about: 'apply the UCI file, probe the server, roll back on failure',
    load: async () => (await import('./commands/apply.ts')).registerApply,
  },
  {
    name: 'config',
    about: 'check the UCI file',
    load: async () => (await import('./commands/config.ts')).registerConfig,
  },
  {
    name: 'set',
    about: 'set options of the UCI file; comments and order stay',
    load: async () => (await import('./commands/set.ts')).registerSet,
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
    about: 'publish the DNS records of the mail domains and verify them',
    load: async () => (await import('./commands/dns-setup.ts')).registerDnsSetup,
  },
  {
    name: 'dns-check',
    about: 'compare the published DNS records with the wanted ones',
    load: async () => (await import('./commands/dns-check.ts')).registerDnsCheck,
  },
  {
    name: 'dkim',
    about: 'show and rotate the DKIM keys of the mail domains',
    load: async () => (await import('./commands/dkim.ts')).registerDkim,
  },
  {
    name: 'srs',
    about: 'replace the secret that signs the senders of forwarded mail',
    load: async () => (await import('./commands/srs.ts')).registerSrs,
  },
  {
    name: 'ssl-setup',
    about: 'get a certificate from the CA (ACME, dns-01) and serve it',
    load: async () => (await import('./commands/ssl-setup.ts')).registerSslSetup,
  },
  {
    name: 'ssl-renew',
    about: 'renew the certificate when due; the old one serves until then',
    load: async () => (await import('./commands/ssl-renew.ts')).registerSslRenew,
  },
  {
    name: 'ssl-status',
    about: 'show the certificate, what each port serves, and the next renewal',
    load: async () => (await import('./commands/ssl-status.ts')).registerSslStatus,
  },
  {
    name: 'queue',
    about: 'list, retry, hold and delete mail in the queue',
    load: async () => (await import('./commands/queue.ts')).registerQueue,
  },
  {
    name: 'mesh',
    about: 'encrypted backups on other boxes, disks and object stores; restore',
    load: async () => (await import('./commands/mesh.ts')).registerMesh,
  },
  {
    name: 'serve',
    about: 'keep the server running, run scheduled jobs; SIGHUP reloads',
    load: async () => (await import('./commands/serve.ts')).registerServe,
  },
  {
    name: 'autoconfig-setup',
    about: 'publish the names at which mail programs find their settings',
    load: async () => (await import('./commands/autoconfig.ts')).registerAutoconfigSetup,
  },
  {
    name: 'autoconfig-status',
    about: 'fetch the settings as mail programs do, and say what is missing',
    load: async () => (await import('./commands/autoconfig.ts')).registerAutoconfigStatus,
  },
  {
    name: 'web',
    about: 'answer the account pages without rights; serve keeps it running',
    load: async () => (await import('./commands/web.ts')).registerWeb,
  },
  {
    name: 'wan-changed',
    about: 'publish the address of the WAN interface if it has changed',
    load: async () => (await import('./commands/wan-changed.ts')).registerWanChanged,
  },
  {
    name: 'firewall-setup',
    about: "open the ports in the router's firewall, and set the name for the LAN",
    load: async () => (await import('./commands/firewall.ts')).registerFirewallSetup,
  },
  {
    name: 'firewall-clear',
    about: "remove the mail server from the router's firewall and names",
    load: async () => (await import('./commands/firewall.ts')).registerFirewallClear,
  },
  {
    name: 'fail2ban',
    about: 'list and unban addresses',
    load: async () => (await import('./commands/fail2ban.ts')).registerFail2ban,
  },
  {
    name: 'webmail',
    about: 'webmail (Roundcube) in a container of its own',
    load: async () => (await import('./commands/webmail.ts')).registerWebmail,
  },
  {
    name: 'logs',
    about: 'show the last lines of the log of all daemons; times are UTC',
    load: async () => (await import('./commands/logs.ts')).registerLogs,
  },
  {
    name: 'test',
    about: 'send a test message from the postmaster and report its delivery',
    load: async () => (await import('./commands/test.ts')).registerTest,
  },
  {
    name: 'doctor',
    about: 'run all checks; print each fault and its fix',
    load: async () => (await import('./commands/doctor.ts')).registerDoctor,
  },
  {
    name: 'report',
    about: 'print or send the daily report to the postmaster',
    load: async () => (await import('./commands/report.ts')).registerReport,
  },
  {
    name: 'completion',
    about: 'print a completion script for a shell',
    needsAll: true,
    load: async () => (await import('./commands/completion.ts')).registerCompletion,
  },
  {
    name: 'version',
    about: 'show the versions of the program, its templates and the installed image',
    load: async () => (await import('./commands/version.ts')).registerVersion,
  },
];
