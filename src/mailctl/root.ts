// Commands that read the state of the container.

import { MailctlError } from '../errors.ts';
import type { App } from './app.ts';

/** Throws NOT_ROOT: without root, a running server would look like one that is not installed. */
export function requireRootToLook({ isRoot }: Pick<App, 'isRoot'>): void {
  if (isRoot) return;
  throw new MailctlError('NOT_ROOT', 'only root can read the state of the mail server', {
    hint: 'repeat the command as root (sudo)',
  });
}
