// Checks that every state file can be read, and reports those that were set aside as damaged.

import type { Host } from '../../host/host.ts';
import { ORDER } from '../acme/order.ts';
import { ACME_STATE } from '../acme/state.ts';
import { PEERS } from '../backup/peers.ts';
import { RECOVERY } from '../backup/recovery.ts';
import { BACKUP_STATE } from '../backup/state.ts';
import { CURRENT_HOST_PART } from '../container/host-part.ts';
import { RESTORE_JOURNAL } from '../container/restore-journal.ts';
import { type StateDamage, type StateFile, stateDamages } from '../container/state-file.ts';
import { DKIM_STATE } from '../dkim/state.ts';
import { DNS_STATE } from '../dns/publish/state.ts';
import type { Paths } from '../paths.ts';
import { SCHEDULE } from '../schedule/state.ts';
import { INVITATIONS } from '../self-service/invitations.ts';
import { SESSIONS } from '../self-service/sessions.ts';
import { NOTICES } from '../tls/notices.ts';
import type { Check, Report } from './context.ts';
import type { Finding } from './finding.ts';
import { LAST_REPORT } from './report-state.ts';

const damagesOf =
  <T>(file: StateFile<T>) =>
  (host: Host, paths: Paths): Promise<StateDamage[]> =>
    stateDamages(host, paths, file);

const EVERY = [
  damagesOf(ACME_STATE),
  damagesOf(ORDER),
  damagesOf(NOTICES),
  damagesOf(DNS_STATE),
  damagesOf(DKIM_STATE),
  damagesOf(SCHEDULE),
  damagesOf(LAST_REPORT),
  damagesOf(INVITATIONS),
  damagesOf(SESSIONS),
  damagesOf(CURRENT_HOST_PART),
  damagesOf(PEERS),
  damagesOf(RECOVERY),
  damagesOf(BACKUP_STATE),
  damagesOf(RESTORE_JOURNAL),
] as const;

function describe(report: Report, { path, damage, means, stops }: StateDamage): Finding {
  if (damage === null) {
    const message = `${path} was set aside because it was damaged; ${means}`;
    return report('warning', message, { fix: `rm ${path}` });
  }
  const message = `${path} is damaged: ${damage}; without it ${means}`;
  const fix = `mv ${path} ${path}.damaged`;
  if (!stops) return report('warning', message, { fix });
  return report('error', message, { fix: `restore it from a backup; or: ${fix}` });
}

const files: Check = {
  id: 'state.files',
  about: 'every state file can be read',
  measured: 'every state file of the data folder, validated against its schema',
  run: async ({ host, target: { paths } }, report) => {
    const damages: StateDamage[] = [];
    for (const look of EVERY) damages.push(...(await look(host, paths)));
    if (damages.length > 0) return damages.map((damage) => describe(report, damage));
    return report('ok', 'every state file can be read');
  },
};

export const STATE_CHECKS: readonly Check[] = [files];
