// The files of the web container: nginx, PHP, Roundcube, fail2ban.

import type { Settings } from '../settings/settings.ts';
import { neverBanned } from './fail2ban.ts';
import type { ManagedFile } from './managed-file.ts';
import type { Values } from './render.ts';
import { templates, webTemplates } from './templates.ts';

/** What the HTTPS server answers to. */
export interface WebNames {
  readonly webmail: readonly string[];
  readonly setup: readonly string[];
}

/** Input of the rendering that is not in UCI. */
export interface WebFacts {
  /** IPv4 of the mail container, without prefix length. */
  readonly mailAddress: string;
  /** Names of webmail and of the account pages, and those of the settings of mail programs. */
  readonly names: WebNames;
  /** Networks (CIDR) on the bridge; their hosts are never banned. */
  readonly lanNetworks: readonly string[];
  /** Encrypts what Roundcube keeps of a session. */
  readonly desKey: string;
  /** Path in the container of the CA certificates that verify the mail server's. */
  readonly caBundle: string;
}

/** Of the mail container, and the same here. */
const SHARED = [
  ...['sync', 'finish', 'status'].map((name) => `/etc/s6/${name}`),
  ...['log', 'fail2ban'].map((name) => `/etc/s6/services/${name}/run`),
  '/etc/fail2ban/fail2ban.d/mailserver.local',
];

export const allWebTemplates: Readonly<Record<string, string>> = {
  ...webTemplates,
  ...Object.fromEntries(SHARED.map((path) => [path, templates[path] ?? ''])),
};

const MEGABYTE = 2 ** 20;

/** One process of PHP needs this much while it sends a large attachment. */
const PHP_PROCESS_BYTES = 40 * MEGABYTE;
/** For nginx, fail2ban and what the processes of PHP share. */
const OTHERS_BYTES = 80 * MEGABYTE;

/** At least two: a browser asks for several answers at once. */
function phpProcesses({ web }: Settings): number {
  return Math.max(2, Math.min(16, Math.floor((web.memory - OTHERS_BYTES) / PHP_PROCESS_BYTES)));
}

/** A host with its port as Roundcube writes them; '' when the mail server has neither port. */
function service(settings: Settings, tls: number | null, startTls: number | null): string {
  const { hostname } = settings.main;
  if (tls !== null) return `ssl://${hostname}:${tls}`;
  return startTls === null ? '' : `tls://${hostname}:${startTls}`;
}

/** What webmail reads and sends mail with; null for a service that the mail server does not have. */
export function webmailServices(settings: Settings) {
  const { imaps, imap, smtps, submission, sieve } = settings.ports;
  return {
    imap: service(settings, imaps, imap),
    smtp: service(settings, smtps, submission),
    sieve: service(settings, null, sieve),
  };
}

/** The ports of the mail server that webmail connects to. */
export function webmailPorts({ ports }: Settings): number[] {
  const { imaps, imap, smtps, submission, sieve } = ports;
  return [imaps ?? imap, smtps ?? submission, sieve].filter((port) => port !== null);
}

function plugins({ ports }: Settings): string {
  const always = ['archive', 'markasjunk', 'zipdownload'];
  const all = ports.sieve === null ? always : [...always, 'managesieve'];
  return all.map((name) => `'${name}'`).join(', ');
}

export function webValues(settings: Settings, facts: WebFacts): Values {
  const { main, smtp, web, fail2ban } = settings;
  const { imap, smtp: submission, sieve } = webmailServices(settings);
  return {
    hostname: main.hostname,
    mail_address: facts.mailAddress,
    webmail_names: facts.names.webmail.join(' '),
    // a name that no client asks for, where there is none
    setup_names: facts.names.setup.join(' ') || 'setup.invalid',
    https_port_suffix: web.https === 443 ? '' : `:${web.https}`,
    // with the other fields of the form
    upload_limit: String(smtp.messageSizeLimit + MEGABYTE),
    message_size_limit: String(smtp.messageSizeLimit),
    php_children: String(phpProcesses(settings)),
    des_key: facts.desKey,
    ca_bundle: facts.caBundle,
    imap_host: imap,
    smtp_host: submission,
    sieve_host: sieve,
    roundcube_plugins: plugins(settings),
    ignore_networks: neverBanned(settings, facts.lanNetworks),
    max_retry: String(fail2ban.maxRetry),
    find_time: String(fail2ban.findTime),
    ban_time: String(fail2ban.banTime),
  };
}

const PROGRAM = { owner: 'root', mode: 0o755, on_change: { restart_container: true } } as const;
const NGINX = { owner: 'root', mode: 0o644, on_change: { reload: 'nginx' } } as const;
const withWebmail = ({ webmail }: Settings): boolean => webmail.enabled;
const PHP = {
  owner: 'root',
  mode: 0o644,
  on_change: { restart: 'php' },
  when: withWebmail,
} as const;
const FAIL2BAN = {
  owner: 'root',
  mode: 0o644,
  on_change: { restart: 'fail2ban' },
  when: ({ features }: Settings) => features.fail2ban,
} as const;

/** `listen` of nginx for these ports, on both families where the container has them. */
function listens(settings: Settings, ports: readonly (number | null)[], options: string): string[] {
  const hosts = settings.web.address6 === null ? [''] : ['', '[::]:'];
  return ports
    .filter((port) => port !== null)
    .flatMap((port) => hosts.map((host) => `listen ${host}${port}${options};`));
}

const nginxFile = (name: string): ManagedFile => ({ ...NGINX, path: `/etc/nginx/${name}` });

export const webFiles: readonly ManagedFile[] = [
  ...['init', 'sync', 'finish', 'stop', 'status'].map((name) => ({
    ...PROGRAM,
    path: `/etc/s6/${name}`,
  })),
  ...['log', 'nginx'].map((name) => ({ ...PROGRAM, path: `/etc/s6/services/${name}/run` })),
  { ...PROGRAM, path: '/etc/s6/services/php/run', when: withWebmail },
  { ...PROGRAM, path: '/etc/s6/services/fail2ban/run', when: FAIL2BAN.when },
  // the C library reads them again
  ...['hosts', 'resolv.conf'].map(
    (name): ManagedFile => ({
      ...{ owner: 'root', mode: 0o644, on_change: { none: true } },
      path: `/etc/${name}`,
    }),
  ),
  ...['nginx.conf', 'headers.conf', 'mailctl.conf', 'pages.conf'].map(nginxFile),
  { ...nginxFile('roundcube.conf'), when: withWebmail },
  { ...nginxFile('http.conf'), rows: (settings) => listens(settings, [settings.web.http], '') },
  {
    ...nginxFile('https.conf'),
    rows: (settings) => listens(settings, [settings.web.https, settings.webmail.port], ' ssl'),
  },
  ...['not-found', 'busy', 'unavailable'].map((name) => nginxFile(`pages/${name}.html`)),
  ...['php.ini', 'php-fpm.conf'].map((name) => ({ ...PHP, path: `/etc/php/${name}` })),
  {
    ...PHP,
    path: '/etc/roundcube/config.inc.php',
    owner: 'roundcube',
    mode: 0o400,
    secret: true,
  },
  { ...FAIL2BAN, path: '/etc/fail2ban/fail2ban.d/mailserver.local' },
  { ...FAIL2BAN, path: '/etc/fail2ban/jail.d/mailserver.local' },
  { ...FAIL2BAN, path: '/etc/fail2ban/filter.d/web-login.conf' },
];
