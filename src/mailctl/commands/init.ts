// mailctl init: writes the UCI file of a new server.

import type { Command } from 'commander';
import { bridgeLacks } from '../../appliance/container/preflight.ts';
import { findFreeAddress } from '../../appliance/container/propose-address.ts';
import { checkSettings, defaultSettings } from '../../appliance/settings/check-settings.ts';
import { type FirstValues, firstFile } from '../../appliance/settings/first-file.ts';
import type { Settings } from '../../appliance/settings/settings.ts';
import { editUciFile } from '../../appliance/settings/uci-file.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { askLine } from '../terminal.ts';

interface InitOptions {
  readonly domain?: string;
  readonly hostname?: string;
  readonly address?: string;
  readonly force?: boolean;
}

/** Asks for what was not given; without a terminal `byDefault` is used. Throws NO_TERMINAL without either. */
async function answer(
  { ask }: App,
  given: string | undefined,
  { question, byDefault }: { question: string; byDefault: string | null },
): Promise<string> {
  if (given !== undefined) return given;
  if (process.stdin.isTTY) {
    const shown = byDefault === null ? question : `${question} [${byDefault}]`;
    const typed = await ask(
      () => askLine(`${shown}: `),
      () => '',
    );
    if (typed !== '') return typed;
  }
  if (byDefault !== null) return byDefault;
  throw new MailctlError('NO_TERMINAL', `${question}: not given, and no answer from a terminal`, {
    hint: 'mailctl init --domain <domain> [--hostname <name>] [--address <address>/<prefix>]',
  });
}

/** The settings of a file that has no problems, else those of a new one. */
async function presentSettings({ host, uciFile }: App, force: boolean): Promise<Settings> {
  const text = force ? null : await host.files.read(uciFile);
  const settings = text === null ? null : checkSettings(text, uciFile).settings;
  return settings ?? defaultSettings();
}

async function freeAddress({ host }: App, settings: Settings): Promise<string> {
  const [lack] = await bridgeLacks(host, settings);
  if (lack) throw new MailctlError(lack.code, lack.message, { hint: lack.hint });
  return findFreeAddress(host, settings.network);
}

async function askValues(app: App, options: InitOptions): Promise<FirstValues> {
  const { main, network, ...rest } = await presentSettings(app, options.force ?? false);
  const isNew = main.domain === defaultSettings().main.domain;
  const domain = await answer(app, options.domain, {
    question: 'mail domain (what follows @ in the addresses)',
    byDefault: isNew ? null : main.domain,
  });
  const hostname = await answer(app, options.hostname, {
    question: `host name of the server (a name without a dot is completed with .${domain})`,
    byDefault: isNew ? 'mail' : main.hostname,
  });
  const known = options.address ?? network.address;
  const found = known ?? (await freeAddress(app, { main, network, ...rest }));
  const address = await answer(app, options.address, {
    question: 'IPv4 address of the container, with its prefix length',
    byDefault: found,
  });
  return {
    'main.domain': domain,
    // the file may have it without its domain
    'main.hostname': !isNew && hostname === main.hostname ? undefined : hostname,
    'network.address': address,
  };
}

interface Written {
  readonly domain: string;
  readonly hostname: string;
  readonly address: string | null;
}

function inForce(text: string, file: string): Written {
  const { main, network } = checkSettings(text, file).settings ?? defaultSettings();
  return { domain: main.domain, hostname: main.hostname, address: network.address };
}

const describe = ({ domain, hostname, address }: Written): readonly string[] => [
  `domain: ${domain}`,
  `host name: ${hostname}`,
  `address of the container: ${address}`,
];

export async function run(app: App, options: InitOptions): Promise<ExitStatus> {
  const { host, output, uciFile } = app;
  return app.changeFile({
    apply: async () => {
      const values = await askValues(app, options);
      const old = `${uciFile}.old`;
      const { replaced, text } = await editUciFile(host, uciFile, async (text) => {
        const first = firstFile(text, uciFile, { values, force: options.force ?? false });
        // may contain passwords
        if (first.replaced !== null) await host.files.replace(old, first.replaced, { mode: 0o600 });
        return first;
      });
      return { ...inForce(text, uciFile), old: replaced === null ? null : old };
    },
    details: describe,
    report: (done) => {
      const { old } = done;
      output.result([`${uciFile}:`, ...describe(done).map((line) => `  ${line}`)], {
        file: uciFile,
        ...done,
      });
      if (old !== null) output.note(`the file before is ${old}`);
      output.note('next: mailctl install');
      return STATUS.OK;
    },
  });
}

export function registerInit(command: Command, line: CommandLine): void {
  command
    .option('--domain <domain>', 'first mail domain')
    .option('--hostname <name>', 'name in EHLO, MX and certificate (mail)')
    .option('--address <address/prefix>', 'IPv4 address of the container (a free one is found)')
    .option('--force', 'replace a configured file; it is kept beside the new one as FILE.old');
  defineWord(command, line, {
    kind: 'acts',
    run,
    ends: ['USAGE', 'NO_TERMINAL', 'HOST_UNFIT', 'LOCKED'],
    examples: [
      'mailctl init --domain example.com',
      'mailctl init --domain example.com --hostname mail --address 192.168.1.25/24',
    ],
  });
}
