// One command line: the global options, the command, its exit status.

import { Command, CommanderError, Help, Option } from 'commander';
import { DEFAULT_UCI_FILE } from '../appliance/paths.ts';
import { type ExitStatus, exitStatus, MailctlError, STATUS } from '../errors.ts';
import { type App, createApp, type GlobalOptions } from './app.ts';
import { type CommandLine, formatExamples } from './command.ts';
import { createOutput, terminalSafe } from './output.ts';
import { allStatuses } from './statuses.ts';
import { suggestCommands } from './suggestion.ts';
import { type FirstWord, WORDS } from './words.ts';

const VERSION = '--version';
const EXAMPLES = [
  'mailctl install',
  'mailctl user add alice@example.com',
  'mailctl user add --help   (examples and statuses of one command)',
];

/** For the help of a command: --version stands alone. */
function visibleGlobalOptions(command: Command): Option[] {
  const help = Object.assign(new Help(), { showGlobalOptions: true });
  return help.visibleGlobalOptions(command).filter(({ long }) => long !== VERSION);
}

function createProgram(json: boolean): Command {
  const writeErr = (text: string) => {
    if (!json) process.stderr.write(terminalSafe(text, false));
  };
  return new Command('mailctl')
    .configureOutput({ writeErr })
    .description('manage the mail server appliance of this router')
    .addHelpText('before', formatExamples(EXAMPLES))
    .addHelpText('after', `\nStatuses:\n${allStatuses().join('\n')}`)
    .option('--config <file>', 'UCI file of the appliance', DEFAULT_UCI_FILE)
    .option('--json', 'print one JSON object instead of text')
    .option('--quiet', 'print only the result')
    .option('--no-color', 'no colours (also NO_COLOR in the environment)')
    .option('--dry-run', 'show what would be changed; change nothing')
    .option('--yes', 'do not ask for confirmation')
    .option('--debug', 'print the stack trace of an error')
    .option(VERSION, 'the same as mailctl version')
    .showHelpAfterError('(mailctl --help lists the commands)')
    .configureHelp({ showGlobalOptions: true, visibleGlobalOptions })
    .exitOverride();
}

/** `mailctl --version` is the command `version`. */
function withVersion(argv: readonly string[]): readonly string[] {
  if (wordsIn(argv).length > 0) return argv;
  return argv.map((word) => (word === VERSION ? 'version' : word));
}

/** Candidates for the command typed; may also contain the value of an option, or an argument, of that spelling. */
function wordsIn(argv: readonly string[]): readonly FirstWord[] {
  const typed = WORDS.filter(({ name }) => argv.includes(name));
  return typed.some(({ needsAll }) => needsAll) ? WORDS : typed;
}

interface Session extends CommandLine {
  /** The exit status of the command. */
  readonly status: () => ExitStatus;
}

function createSession(program: Command): Session {
  let app: App | undefined;
  let status: ExitStatus = STATUS.OK;
  return {
    app: () => {
      app ??= createApp(program.opts<GlobalOptions>());
      return app;
    },
    end: (ended) => {
      status = ended;
    },
    status: () => status,
  };
}

/**
 * All commands; those of `loaded` with their arguments, options and subcommands.
 * @param json the error of a wrong command line is a JSON object, so commander prints nothing
 */
export async function buildProgram(
  json: boolean,
  loaded: readonly FirstWord[],
): Promise<{ program: Command; session: Session }> {
  const program = createProgram(json);
  const session = createSession(program);
  for (const word of WORDS) {
    const command = program.command(word.name).description(word.about);
    if (loaded.includes(word)) (await word.load())(command, session);
  }
  return { program, session };
}

/** Global options may stand anywhere on the command line. */
function inheritGlobalOptions(program: Command, command: Command): void {
  for (const option of program.options) {
    if (option.long === VERSION) continue;
    if (command.options.some((own) => own.long === option.long)) continue;
    const copy = new Option(option.flags).hideHelp();
    command.addOption(copy);
    command.on(`option:${copy.name()}`, (value: unknown) => {
      program.setOptionValueWithSource(option.attributeName(), value ?? !option.negate, 'cli');
    });
  }
  for (const child of command.commands) inheritGlobalOptions(program, child);
}

/** Commander may reject the command line before it has read the options. */
function answerUsage(error: CommanderError): void {
  const shown = error.code.startsWith('commander.help');
  const message = shown ? 'missing subcommand' : error.message.replace(/^error: /, '');
  const hint = 'mailctl --help';
  const { stdout, stderr } = process;
  const plain = { quiet: false, color: false, debug: false, dryRun: false };
  const output = createOutput({ ...plain, json: true, stdout, stderr });
  output.error(new MailctlError('USAGE', message.replaceAll('\n', ' '), { hint }));
}

/** Runs one command line and returns its exit status. */
export async function runCommandLine(typed: readonly string[]): Promise<ExitStatus> {
  const argv = withVersion(typed);
  const json = argv.includes('--json');
  const { program, session } = await buildProgram(json, wordsIn(argv));
  for (const command of program.commands) inheritGlobalOptions(program, command);
  suggestCommands(program);
  program.on('option:version', () => program.error('error: --version takes no command'));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return session.status();
  } catch (error) {
    if (error instanceof CommanderError) {
      if (json && error.exitCode !== 0) answerUsage(error);
      return error.exitCode === 0 ? STATUS.OK : STATUS.USAGE;
    }
    session.app().output.error(error);
    return exitStatus(error);
  }
}
