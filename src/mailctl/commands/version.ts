// mailctl version: which program, which templates, which image.

import type { Command } from 'commander';
import packageFile from '../../../package.json' with { type: 'json' };
import { MailctlError } from '../../errors.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';

/** null where nothing is installed, and where only the UCI file or root could tell. */
async function findImage(app: App) {
  try {
    const { paths } = await app.appliance();
    const { queryImage } = await import('../../appliance/status/image.ts');
    return await queryImage(app.host, paths);
  } catch (error) {
    if (error instanceof MailctlError) return null;
    throw error;
  }
}

async function templateDigest(): Promise<string> {
  const { templates } = await import('../../appliance/render/templates.ts');
  const { digestText } = await import('../../host/digest.ts');
  return digestText(JSON.stringify(templates));
}

export function registerVersion(program: Command, app: AppSource): void {
  const command = program
    .command('version')
    .description('show the versions of the program, its templates and the installed image')
    .action(async () => {
      const { version } = packageFile;
      const templates = await templateDigest();
      const image = await findImage(app());
      const found = image === null ? 'unknown, or none' : `${image.version} ${image.variant}`;
      app().output.result(
        [
          `mailctl ${version}`,
          `bun ${Bun.version}`,
          `templates ${templates.slice(0, 12)}`,
          `image ${found}`,
        ],
        { version, bun: Bun.version, templates_sha256: templates, image },
      );
    });
  describeWord(command, {
    examples: ['mailctl version', 'mailctl version --json'],
    statuses: ['70  a bug'],
  });
}
