// Points a foreign Roundcube at this mail server: its configuration file is written whole, with its own database and secrets
// kept; a file that was edited by hand is kept beside. Over TLS, with the certificate checked.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { generateSecret } from '../../host/keys.ts';
import { presentable } from '../../host/programs.ts';
import type { Appliance } from '../appliance.ts';
import { addressInUse } from '../container/host-part.ts';
import { mergeValues, renderTemplate } from '../render/render.ts';
import { allWebTemplates, webmailServices, webValues } from '../render/web.ts';
import { type Foreign, type ForeignRoundcube, KEPT } from './foreign.ts';
import { mailPair, planTrust } from './pair.ts';

const TEMPLATE = '/etc/roundcube/config.inc.php';
const FILE = 'config.inc.php';
const CA_FILE = 'mailserver-ca.pem';
const MARK = '// mailctl: ';

/** A text of PHP between single quotes. */
const phpText = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** What it did not set before has Roundcube's default again, and not the one of the web container. */
function keptLine(name: string, value: string | undefined): string {
  const option = `$config[${phpText(name)}]`;
  return value === undefined ? `unset(${option});` : `${option} = ${phpText(value)};`;
}

function keptLines({ kept, plugins, available }: ForeignRoundcube): string[] {
  // one key for good: a later run finds it in the file
  const options: Readonly<Record<string, string | undefined>> = {
    ...{ des_key: generateSecret(), ...kept },
  };
  const wanted = ['archive', 'markasjunk', 'zipdownload', 'managesieve'];
  const all = [...new Set([...plugins, ...wanted.filter((name) => available.includes(name))])];
  return [
    '',
    '// Kept from the configuration before',
    ...KEPT.map((name) => keptLine(name, options[name])),
    `$config['plugins'] = [${all.map(phpText).join(', ')}];`,
  ];
}

export interface ForeignConfig {
  readonly text: string;
  /** CA certificates beside it; null when the public CAs of the container are used. */
  readonly ca: string | null;
  /** The mail server that it points to. */
  readonly server: string;
}

/** The configuration that the foreign Roundcube should have. Throws NOT_INSTALLED. */
export async function renderForeign(
  host: Host,
  target: Appliance,
  roundcube: ForeignRoundcube,
): Promise<ForeignConfig> {
  const { settings, paths } = target;
  const address = await addressInUse(host, paths);
  if (address === null) {
    throw new MailctlError('NOT_INSTALLED', 'the mail server is not installed', {
      hint: 'mailctl install',
    });
  }
  const trust = await planTrust(host, target, await mailPair(host, target));
  const services = webmailServices(settings);
  // the name may have another address in the foreign container; the certificate is checked for the name
  const at = (url: string) => url.replace(`//${settings.main.hostname}:`, `//${address}:`);
  const values = mergeValues([
    webValues(settings, {
      ...{ mailAddress: address, names: { webmail: [], setup: [] }, lanNetworks: [] },
      // the lines at the end have it
      desKey: '',
      caBundle: trust.text === null ? trust.bundle : join(roundcube.folder, CA_FILE),
    }),
  ]);
  const hosts = {
    imap_host: at(services.imap),
    smtp_host: at(services.smtp),
    sieve_host: at(services.sieve),
  };
  const template = allWebTemplates[TEMPLATE] ?? '';
  const body = renderTemplate(TEMPLATE, template, { ...values, ...hosts });
  const lines = [...body.trimEnd().split('\n'), ...keptLines(roundcube)].slice(1);
  const rest = `${lines.join('\n')}\n`;
  // by the digest a later run knows whether somebody has edited the file
  return {
    text: `<?php\n${MARK}${digestText(rest)}\n${rest}`,
    ca: trust.text,
    server: at(services.imap),
  };
}

const isOwnText = (text: string): boolean => {
  const [, mark = '', ...rest] = text.split('\n');
  return mark === `${MARK}${digestText(rest.join('\n'))}`;
};

/** $1 the file. Owner and mode stay those of the present file, or of Roundcube's own defaults. */
const WRITE = `
set -eu
umask 077
if [ -e "$1" ]; then from=$1; else from=$(dirname "$1")/defaults.inc.php; fi
cp -p "$from" "$1.new"
cat >"$1.new"
mv "$1.new" "$1"`;

const KEEP = 'set -eu; cp -p "$1" "$2"';

/** Web servers that keep compiled scripts; none of them need be there. */
const RELOAD = `
for file in /run/php/*.pid /run/php-fpm*.pid /var/run/php-fpm*.pid; do
  if [ -s "$file" ]; then kill -USR2 "$(cat "$file")" || :; fi
done
if command -v apache2ctl >/dev/null; then apache2ctl graceful >/dev/null 2>&1 || :; fi`;

const sh = (script: string, ...words: string[]) => ['sh', '-c', script, 'sh', ...words];

export interface Configured {
  readonly changed: boolean;
  /** The copy of a file that was edited by hand; null when there was none. */
  readonly keptAs: string | null;
}

async function readFile(foreign: Foreign, path: string): Promise<string | null> {
  const { status, stdout } = await foreign.query(['cat', path], { accept: [1] });
  return status === 0 ? stdout : null;
}

export async function writeForeign(
  host: Host,
  foreign: Foreign,
  { roundcube, config }: { roundcube: ForeignRoundcube; config: ForeignConfig },
): Promise<Configured> {
  const file = join(roundcube.folder, FILE);
  const ca = join(roundcube.folder, CA_FILE);
  const present = await readFile(foreign, file);
  const sameCa = config.ca === null || (await readFile(foreign, ca)) === config.ca;
  if (present === config.text && sameCa) return { changed: false, keptAs: null };
  let keptAs: string | null = null;
  if (present !== null && !isOwnText(present)) {
    const stamp = host.clock.now().toISOString().replaceAll(/[-:]/g, '').slice(0, 15);
    keptAs = `${file}.before-mailctl-${stamp}`;
    await foreign.run(sh(KEEP, file, keptAs));
  }
  if (config.ca !== null) await foreign.run(sh(WRITE, ca), { input: config.ca });
  await foreign.run(sh(WRITE, file), { input: config.text });
  await foreign.run(sh(RELOAD));
  return { changed: true, keptAs };
}

/** Connects as Roundcube does. $1 tls://address:port, $2 name, $3 CA file */
const TRY = `
$ssl = ['verify_peer' => true, 'verify_peer_name' => true, 'peer_name' => $argv[2], 'cafile' => $argv[3]];
$context = stream_context_create(['ssl' => $ssl]);
$peer = @stream_socket_client($argv[1], $code, $message, 10, STREAM_CLIENT_CONNECT, $context);
if ($peer) exit(0);
fwrite(STDERR, $message ?: (error_get_last()['message'] ?? 'no connection'));
exit(1);`;

/** Throws PROBE_FAILED when the foreign container does not reach the mail server over verified TLS. */
export async function proveForeign(
  foreign: Foreign,
  { settings }: Appliance,
  { roundcube, config }: { roundcube: ForeignRoundcube; config: ForeignConfig },
): Promise<void> {
  // STARTTLS is Roundcube's own; the probe then only connects
  const implicit = config.server.startsWith('ssl://');
  const to = implicit ? config.server : config.server.replace('tls://', 'tcp://');
  const cafile =
    config.ca === null ? '/etc/ssl/certs/ca-certificates.crt' : join(roundcube.folder, CA_FILE);
  const command = ['php', '-r', TRY, '--', to, settings.main.hostname, cafile];
  const { status, stderr } = await foreign.query(command, { accept: [1] });
  if (status === 0) return;
  throw new MailctlError(
    'PROBE_FAILED',
    `${foreign.name} does not reach the mail server at ${config.server}: ${presentable(stderr, [], 1)}`,
    { hint: `check the network of the container ${foreign.name}, then: mailctl webmail configure` },
  );
}
