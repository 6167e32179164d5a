// The last report, for comparison with the next one: <data>/report.json.

import { array, nullable, number, object, picklist, string } from 'valibot';
import { moment, type StateFile } from '../container/state-file.ts';
import { type Finding, SEVERITIES } from './finding.ts';

/** The content of a report; the next one is compared with it. */
export interface Situation {
  /** RFC 3339. */
  readonly at: string;
  readonly problems: readonly Pick<Finding, 'id' | 'severity' | 'message' | 'fix'>[];
  readonly summary: string;
  readonly mailboxes: number;
  readonly domains: readonly string[];
  /** RFC 3339; null without a certificate. */
  readonly certificateUntil: string | null;
  readonly storageBytes: number;
}

const problem = object({
  id: string(),
  severity: picklist(SEVERITIES),
  message: string(),
  fix: nullable(string()),
});

/** The last one that was sent; null before the first. */
export const LAST_REPORT: StateFile<Situation | null> = {
  path: (paths) => paths.report,
  schema: object({
    at: moment,
    problems: array(problem),
    summary: string(),
    mailboxes: number(),
    domains: array(string()),
    certificateUntil: nullable(moment),
    storageBytes: number(),
  }),
  empty: null,
  whenDamaged: {
    goOnWith: async () => null,
    lost: 'the next report lists everything, as the first one did',
  },
};
