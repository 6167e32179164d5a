// mailctl version: which program, which templates, which image.

import type { Command } from 'commander';
import packageFile from '../../../package.json' with { type: 'json' };
import { templates } from '../../appliance/render/templates.ts';
import { queryImage } from '../../appliance/status/image.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import { digestText } from '../../host/digest.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';

/** null where nothing is installed, and where only the UCI file or root could tell. */
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
  const found = image === null ? 'unknown, or none' : `${image.version} ${image.variant}`;
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
