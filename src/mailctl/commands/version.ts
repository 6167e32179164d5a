// mailctl version: the versions of program, templates and image.

import type { Command } from 'commander';
import packageFile from '../../../package.json' with { type: 'json' };
import { templates } from '../../appliance/render/templates.ts';
import { queryImage } from '../../appliance/status/image.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import { digestText } from '../../host/digest.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';

/** null where none is installed, and where the UCI file is invalid or root is required. */
async function findImage(app: App) {
  try {
    const { paths } = await app.appliance();
    return await queryImage(app.host, paths);
  } catch (error) {
    if (error instanceof MailctlError) return null;
    throw error;
  }
}

export async function run(app: App): Promise<ExitStatus> {
  const { version } = packageFile;
  const digest = digestText(JSON.stringify(templates));
  const image = await findImage(app);
  const found = image === null ? 'unknown or not installed' : `${image.version} ${image.variant}`;
  app.output.result(
    [
      `mailctl ${version}`,
      `bun ${Bun.version}`,
      `templates ${digest.slice(0, 12)}`,
      `image ${found}`,
    ],
    { version, bun: Bun.version, templates_sha256: digest, image },
  );
  return STATUS.OK;
}

export function registerVersion(command: Command, line: CommandLine): void {
  defineWord(command, line, {
    kind: 'prints',
    run,
    ends: [],
    examples: ['mailctl version', 'mailctl version --json'],
  });
}
