// A Roundcube that mailctl has not made, in an LXC or Docker container named webmail.container: found, and programs run in
// it. What it prints is text from a foreign container.

import { join } from 'node:path';
import { array, nullable, object, record, safeParse, string, union, unknown } from 'valibot';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { isRunning, queryInside, runInside } from '../../host/lxc.ts';
import type { ProgramOptions, ProgramResult } from '../../host/programs.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';

export interface Foreign {
  readonly kind: 'lxc' | 'docker';
  readonly name: string;
  /** A program that only looks. */
  query(command: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** A program that changes something. */
  run(command: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
}

function notRunning(kind: string, name: string): MailctlError {
  const start = kind === 'docker' ? `docker start ${name}` : `lxc-start -n ${name}`;
  return new MailctlError('NOT_RUNNING', `the container ${name} (${kind}) is not running`, {
    hint: start,
  });
}

async function findLxc(host: Host, web: Appliance): Promise<Foreign | null> {
  if ((await host.files.stat(web.paths.lxcConfig)) === null) return null;
  const ref = { ...containerRef(web), logFile: join(web.paths.run, 'lxc.log') };
  const { name } = ref;
  if (!(await isRunning(host, ref))) throw notRunning('lxc', name);
  return {
    ...{ kind: 'lxc', name },
    query: (command, options) => queryInside(host, ref, command, options),
    run: (command, options) => runInside(host, ref, command, options),
  };
}

async function findDocker(host: Host, name: string): Promise<Foreign | null> {
  if (!host.programs.exists('docker')) return null;
  const inspect = ['docker', 'inspect', '--type', 'container', '-f', '{{.State.Running}}', name];
  const { status, stdout } = await host.programs.query(inspect, { accept: [1] });
  if (status !== 0) return null;
  if (stdout.trim() !== 'true') throw notRunning('docker', name);
  const exec = (command: readonly string[]) => ['docker', 'exec', '-i', name, ...command];
  return {
    ...{ kind: 'docker', name },
    query: (command, options) => host.programs.query(exec(command), options),
    run: (command, options) =>
      host.programs.run(exec(command), { shown: command.join(' '), ...options }),
  };
}

/** Null when no container has this name. Throws NOT_RUNNING. */
export async function findForeign(host: Host, web: Appliance): Promise<Foreign | null> {
  return (await findLxc(host, web)) ?? findDocker(host, web.settings.main.container);
}

/** Folders of Roundcube by image and distribution: the official image of Docker, Debian, Alpine, from source. */
const PLACES = [
  ['/var/www/html', '/var/www/html/config'],
  ['/var/lib/roundcube', '/etc/roundcube'],
  ['/usr/share/webapps/roundcube', '/etc/roundcube'],
  ['/usr/share/roundcube', '/usr/share/roundcube/config'],
  ['/var/www/roundcube', '/var/www/roundcube/config'],
  ['/srv/roundcube', '/srv/roundcube/config'],
] as const;

/** Options that belong to the container, which a new configuration keeps. */
export const KEPT: readonly string[] = [
  ...['db_dsnw', 'db_dsnr', 'db_prefix', 'des_key', 'temp_dir', 'log_dir', 'log_driver'],
  ...['product_name', 'skin'],
];

/** Prints what a new configuration must keep, and where mail comes from now. PHP evaluates the files, as Roundcube does. */
const LOOK = `
$root = $argv[1];
$folder = $argv[2];
$config = [];
foreach (['INSTALL_PATH' => $root, 'RCUBE_INSTALL_PATH' => $root, 'RCUBE_CONFIG_DIR' => $folder] as $name => $path) {
  define($name, "$path/");
}
$present = "$folder/config.inc.php";
if (is_file($present)) { ob_start(); include $present; ob_end_clean(); }
$code = (string) @file_get_contents("$root/program/include/iniset.php");
preg_match("/RCMAIL_VERSION', *'([^']+)'/", $code, $version);
$kept = [];
foreach ([${KEPT.map((name) => `'${name}'`).join(', ')}] as $name) {
  if (isset($config[$name]) && is_string($config[$name])) $kept[$name] = $config[$name];
}
$plugins = array_values(array_filter((array) ($config['plugins'] ?? []), 'is_string'));
$present = array_map('basename', glob("$root/plugins/*", GLOB_ONLYDIR) ?: []);
echo json_encode(['version' => $version[1] ?? null, 'imap_host' => $config['imap_host'] ?? null, 'kept' => $kept,
  'plugins' => $plugins, 'available' => $present]);
`;

const LOOKED = object({
  version: nullable(string()),
  imap_host: unknown(),
  kept: union([record(string(), string()), array(unknown())]),
  plugins: array(string()),
  available: array(string()),
});

export interface ForeignRoundcube {
  readonly root: string;
  /** Folder of config.inc.php. */
  readonly folder: string;
  readonly version: string | null;
  /** Null where it is not one text. */
  readonly imapHost: string | null;
  /** Those of KEPT that are set. */
  readonly kept: Readonly<Record<string, string>>;
  readonly plugins: readonly string[];
  /** Plugins that are installed. */
  readonly available: readonly string[];
}

function notRoundcube({ kind, name }: Foreign): MailctlError {
  return new MailctlError('HOST_UNFIT', `the container ${name} (${kind}) has no Roundcube`, {
    hint: 'mailctl set webmail.container <name of another container>',
  });
}

function parseLook(text: string, foreign: Foreign): Omit<ForeignRoundcube, 'root' | 'folder'> {
  try {
    const { success, output } = safeParse(LOOKED, JSON.parse(text));
    if (success) {
      const { version, imap_host, kept, plugins, available } = output;
      const imapHost = typeof imap_host === 'string' ? imap_host : null;
      // PHP writes an empty map as a list
      return { version, imapHost, kept: Array.isArray(kept) ? {} : kept, plugins, available };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new MailctlError(
    'HOST_UNFIT',
    `the configuration of Roundcube in ${foreign.name} cannot be read`,
    {
      hint: `php -l config.inc.php, in the container ${foreign.name}`,
    },
  );
}

/** Throws HOST_UNFIT for a container without Roundcube or PHP. */
export async function readRoundcube(foreign: Foreign): Promise<ForeignRoundcube> {
  const find = PLACES.map(
    ([root, folder]) =>
      `if [ -e ${root}/program ] && [ -e ${folder}/defaults.inc.php ]; then echo ${root} ${folder}; exit; fi`,
  );
  const { stdout } = await foreign.query(['sh', '-c', `${find.join('\n')}\necho`]);
  const [root = '', folder = ''] = stdout.trim().split(' ');
  const known = PLACES.find((place) => place[0] === root && place[1] === folder);
  if (known === undefined) throw notRoundcube(foreign);
  const look = ['php', '-r', LOOK, '--', root, folder];
  const { stdout: found } = await foreign.query(look, { accept: [126, 127, 255] });
  return { root, folder, ...parseLook(found, foreign) };
}
