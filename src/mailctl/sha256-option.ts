// The option --sha256 of the commands that install an image.

import { MailctlError } from '../errors.ts';

export function parseSha256(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new MailctlError('USAGE', `--sha256 ${text}: a SHA-256 has 64 hexadecimal digits`);
}
