// The words of mailctl: one register function per first word, global options, statuses.

import { Command, CommanderError, Option } from 'commander';
import { DEFAULT_UCI_FILE } from '../appliance/paths.ts';
import { exitStatus, MailctlError, STATUS } from '../errors.ts';
import { type App, createApp, type GlobalOptions } from './app.ts';
import type { AppSource } from './command.ts';
import { registerAlias } from './commands/alias.ts';
import { registerApply } from './commands/apply.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerConfig } from './commands/config.ts';
import { registerDkim } from './commands/dkim.ts';
import { registerDnsCheck } from './commands/dns-check.ts';
import { registerDnsSetup } from './commands/dns-setup.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerDomain } from './commands/domain.ts';
import { registerFail2ban } from './commands/fail2ban.ts';
import { registerInstall } from './commands/install.ts';
import { registerLogs } from './commands/logs.ts';
import { registerPlan } from './commands/plan.ts';
import { registerQueue } from './commands/queue.ts';
import { registerReport } from './commands/report.ts';
import { registerServe } from './commands/serve.ts';
import { registerSsl } from './commands/ssl.ts';
import { registerStart } from './commands/start.ts';
import { registerStatus } from './commands/status.ts';
import { registerTest } from './commands/test.ts';
import { registerUninstall } from './commands/uninstall.ts';
import { registerUser } from './commands/user.ts';
import { registerVersion } from './commands/version.ts';
import { registerWanChanged } from './commands/wan-changed.ts';
import { createOutput, terminalSafe } from './output.ts';

function createProgram(json: boolean): Command {
  const writeErr = (text: string) => {
    if (!json) process.stderr.write(terminalSafe(text, false));
  };
  return new Command('mailctl')
    .configureOutput({ writeErr })
    .description('manage the mail server appliance of this router')
    .option('--config <file>', 'UCI file of the appliance', DEFAULT_UCI_FILE)
    .option('--json', 'print one JSON object instead of text')
    .option('--quiet', 'print nothing but the result')
    .option('--no-color', 'no colours (also NO_COLOR in the environment)')
    .option('--dry-run', 'show what would be changed, change nothing')
    .option('--yes', 'do not ask before something is destroyed')
    .option('--debug', 'with an error, show where in the program it arose')
    .showHelpAfterError('(mailctl --help lists the words)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
}

/** @param json a wrong command line is answered with an object, and commander says nothing */
function buildProgram(json: boolean): { program: Command; app: AppSource } {
  const program = createProgram(json);
  let made: App | undefined;
  const app: AppSource = () => {
    made ??= createApp(program.opts<GlobalOptions>());
    return made;
  };
  const registrations = [
    registerInstall,
    registerUninstall,
    registerStart,
    registerStatus,
    registerPlan,
    registerApply,
    registerConfig,
    registerUser,
    registerAlias,
    registerDomain,
    registerDnsSetup,
    registerDnsCheck,
    registerDkim,
    registerSsl,
    registerQueue,
    registerServe,
    registerWanChanged,
    registerFail2ban,
    registerLogs,
    registerTest,
    registerDoctor,
    registerReport,
    registerCompletion,
    registerVersion,
  ];
  for (const register of registrations) register(program, app);
  return { program, app };
}

/** Global options may stand anywhere: before the word, between the words, at the end. */
function inheritGlobalOptions(program: Command, command: Command): void {
  for (const option of program.options) {
    if (command.options.some((own) => own.long === option.long)) continue;
    const copy = new Option(option.flags).hideHelp();
    command.addOption(copy);
    command.on(`option:${copy.name()}`, (value: unknown) => {
      program.setOptionValueWithSource(option.attributeName(), value ?? !option.negate, 'cli');
    });
  }
  for (const child of command.commands) inheritGlobalOptions(program, child);
}

/** The options may not have been read when the command line is found to be wrong. */
function answerUsage(error: CommanderError): void {
  const shown = error.code.startsWith('commander.help');
  const message = shown ? 'a word is missing' : error.message.replace(/^error: /, '');
  const hint = 'mailctl --help';
  const output = createOutput({ json: true, quiet: false, color: false, debug: false });
  output.error(new MailctlError('USAGE', message.replaceAll('\n', ' '), { hint }));
}

/** Runs one command line and gives the exit status. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json');
  const { program, app } = buildProgram(json);
  for (const command of program.commands) inheritGlobalOptions(program, command);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? STATUS.OK);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (json && error.exitCode !== 0) answerUsage(error);
      return error.exitCode === 0 ? STATUS.OK : STATUS.USAGE;
    }
    app().output.error(error);
    return exitStatus(error);
  }
}
