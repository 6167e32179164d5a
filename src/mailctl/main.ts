// The program's entry: one command line in, one exit status out.

import { STATUS } from '../errors.ts';
import { runCommandLine } from './cli.ts';

// `mailctl serve` re-executes itself: a signal that the first process has taken but not handled would be lost
if (!process.argv.includes('serve')) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      process.stderr.write('interrupted; run the command again to continue\n');
      process.exit(STATUS.INTERRUPTED);
    });
  }
}

// a reader that closed the pipe (mailctl … | head) is not an error
process.stdout.on('error', () => process.exit(STATUS.OK));

process.exitCode = await runCommandLine(process.argv.slice(2));
