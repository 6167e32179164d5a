// What mailctl says about options of a valid UCI file that do not do what they say.

import { readNotices } from '../appliance/settings/uci-file.ts';
import type { App } from './app.ts';

export async function showNotices({ host, output, options }: App): Promise<void> {
  for (const notice of await readNotices(host, options.config)) output.note(`notice: ${notice}`);
}
