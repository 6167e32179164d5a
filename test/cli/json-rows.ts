// Which command lines json.test.ts runs for which example of docs/json.md, in this order on one router.

import { ID } from './installed.ts';
import { HASH } from './router.ts';

/** The example, the words where they are more than its own, and the status where it is not 0. */
export type Row = readonly [example: string, words?: string, status?: number];

export const DOWN: readonly Row[] = [
  ['version'],
  ['completion', 'completion ash'],
  ['config check'],
  ['config check', 'config check --config /etc/config/noticed'],
  ['config check', 'config check --config /etc/config/wrong', 78],
  ['user add', `user add alice@example.com --hash ${HASH}`],
  ['user add', 'user add bob@example.com --generate'],
  ['user passwd', 'user passwd bob@example.com --generate'],
  ['user quota', 'user quota bob@example.com 2G'],
  ['user quota', 'user quota bob@example.com'],
  ['user direction', 'user direction bob@example.com receive-only'],
  ['user direction', 'user direction bob@example.com both'],
  ['user name', 'user name bob@example.com Bob'],
  ['user suspend', 'user suspend bob@example.com'],
  ['user resume', 'user resume bob@example.com'],
  ['user import', 'user import /list.csv --skip-existing --skip-invalid', 1],
  ['user import --dry-run', 'user import /list.csv --update --skip-invalid --dry-run', 1],
  ['domain add', 'domain add example.org'],
  ['domain add', 'domain add gone.example'],
  ['domain limit', 'domain limit gone.example --mailboxes 2'],
  ['domain show', 'domain show gone.example'],
  ['domain del', 'domain del gone.example'],
  ['alias add', 'alias add team@example.com alice@example.com bob@example.com x@a.example'],
  ['alias add', 'alias add bobby@example.com bob@example.com'],
  ['alias add', 'alias add @example.org @example.com'],
  ['alias list'],
  ['domain list'],
  ['user list'],
  ['user list', 'user list --sizes'],
  ['user show', 'user show bob@example.com'],
  ['user export'],
  ['user export', 'user export --with-hashes'],
  ['user export --output', 'user export --output /mailboxes.json'],
  ['alias del', 'alias del team@example.com x@a.example'],
  ['user del', 'user del bob@example.com'],
  ['dns-setup', 'dns-setup --undo'],
  ['dns-setup --zone', 'dns-setup --zone --config /etc/config/fixed'],
  ['dkim show', 'dkim show'],
  ['dkim step'],
  ['ssl-renew', 'ssl-renew --config /etc/config/selfsigned'],
  ['ssl-renew', 'ssl-renew --config /etc/config/selfsigned'],
  ['ssl-status', 'ssl-status --config /etc/config/selfsigned'],
  ['wan-changed', 'wan-changed --config /etc/config/fixed'],
  ['wan-changed'],
  ['logs'],
  ['doctor', 'doctor --only clock config accounts'],
  ['doctor --dry-run', 'doctor --only config.mode --fix --dry-run'],
  ['doctor --dry-run', 'doctor --only config.mode --fix --dry-run --config /etc/config/open', 1],
  ['doctor', 'doctor --only config.mode --fix --yes --config /etc/config/open'],
  ['doctor --list'],
  ['report generate'],
  ['report enable'],
  ['report disable'],
  ['plan'],
  ['firewall-setup'],
  ['firewall-clear'],
  ['fail2ban sync'],
  ['start', 'start --config /etc/config/off'],
  ['stop'],
  ['status', 'status', 69],
];

export const UP: readonly Row[] = [
  ['status', 'status', 1],
  ['queue list'],
  ['queue show', `queue show ${ID}`],
  ['queue flush'],
  ['queue hold', `queue hold ${ID}`],
  ['queue release', `queue release ${ID}`],
  ['queue delete', `queue delete ${ID} --yes`],
  ['fail2ban list'],
  ['fail2ban unban', 'fail2ban unban 192.0.2.9'],
];

export const LAST: readonly Row[] = [['uninstall']];

const CONTAINER = 'needs the real container: test/system/json.test.ts';
const SERVERS = 'needs DNS servers: test/system/json-dns.test.ts';
const ROUTER = 'needs the files of a router: test/cli/firewall.test.ts';
/** Examples, or fields of one with all below them, that no run here shows. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'mailctl install': CONTAINER,
  'mailctl apply': CONTAINER,
  'mailctl restart': CONTAINER,
  'mailctl test': CONTAINER,
  'mailctl report send': CONTAINER,
  'mailctl ssl-status .ports': CONTAINER,
  'mailctl dns-check': SERVERS,
  'mailctl dns-setup .changes[]': SERVERS,
  'mailctl dns-setup .by_hand[]': SERVERS,
  'mailctl dns-setup .notes[]': SERVERS,
  'mailctl dkim rotate': SERVERS,
  'mailctl dkim revoke': SERVERS,
  'mailctl dkim step .domains[]': SERVERS,
  'mailctl srs rotate': CONTAINER,
  'mailctl ssl-setup': SERVERS,
  'mailctl ssl-renew .names': SERVERS,
  'mailctl ssl-renew .left_out': SERVERS,
  'mailctl wan-changed .addresses[]': SERVERS,
  'mailctl firewall-setup .changes[]': ROUTER,
  'mailctl firewall-setup .foreign[]': ROUTER,
  'mailctl firewall-clear .changes[]': ROUTER,
  'mailctl fail2ban sync .banned[]': ROUTER,
  'mailctl fail2ban sync .lifted[]': ROUTER,
};
