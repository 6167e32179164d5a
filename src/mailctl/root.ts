// Commands that look at what belongs to the container.

import { MailctlError } from '../errors.ts';
import type { App } from './app.ts';

/** Throws NOT_ROOT: without it, what is running would look as if it were not installed. */
export function requireRootToLook({ isRoot }: Pick<App, 'isRoot'>): void {
  if (isRoot) return;
  throw new MailctlError('NOT_ROOT', 'only root may look into the mail server', {
    hint: 'repeat it as root, for example with sudo',
  });
}
