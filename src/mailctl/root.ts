// Commands that look at what belongs to the container.

import { MailctlError } from '../errors.ts';

/** Throws NOT_ROOT: without it, what is running would look as if it were not installed. */
export function requireRootToLook(): void {
  if (process.geteuid?.() === 0) return;
  throw new MailctlError('NOT_ROOT', 'only root may look into the mail server', {
    hint: 'repeat it as root, for example with sudo',
  });
}
