// A consistent copy of the account files, which a backup takes in place of `config/`: these four files change together,
// and a backup reads file by file.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { ACCOUNT_FILES } from '../accounts/parse.ts';
import type { Appliance } from '../appliance.ts';
import { SECRET_FILE, SECRET_FOLDER } from '../container/modes.ts';
import type { Paths } from '../paths.ts';

export const accountsCopy = (paths: Paths): string => join(paths.mesh, 'accounts');

/** Needs no lock. A file that has not changed is not written again. */
export async function copyAccounts(host: Host, { paths }: Appliance): Promise<void> {
  const texts = await host.fileSets.read(paths.accounts, ACCOUNT_FILES);
  const folder = accountsCopy(paths);
  await host.files.makeDirectory(folder, { mode: SECRET_FOLDER });
  for (const name of ACCOUNT_FILES) {
    const path = join(folder, name);
    if ((await host.files.read(path)) === texts[name]) continue;
    await host.files.replace(path, texts[name], { mode: SECRET_FILE });
  }
}
