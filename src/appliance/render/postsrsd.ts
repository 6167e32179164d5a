// The placeholders of postsrsd's templates, and the file with its secrets.

import { SRS_FORWARD_PORT, SRS_REVERSE_PORT } from '../settings/inner-ports.ts';
import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import type { ManagedFile } from './managed-file.ts';

export function postsrsdValues(settings: Settings, { srs }: Facts): Record<string, string> {
  return {
    srs_domain: settings.main.domain,
    srs_forward_port: String(SRS_FORWARD_PORT),
    srs_reverse_port: String(SRS_REVERSE_PORT),
    srs_secret: srs.signing,
    // a second time where there is no former one: postsrsd would read an empty line as a secret
    srs_former_secret: srs.former ?? srs.signing,
  };
}

export const postsrsdFiles: readonly ManagedFile[] = [
  {
    path: '/etc/postsrsd.secret',
    owner: 'root',
    mode: 0o400,
    on_change: { restart: 'postsrsd' },
    when: ({ features }) => features.srs,
    secret: true,
  },
];
