// What this program remembers of the records it published, so that it knows its own again, can take back
// the last setup, and can finish one that was interrupted: <data>/dns/state.json, for root alone.

import { join } from 'node:path';
import { array, boolean, exactOptional, nullable, number, object, picklist, string } from 'valibot';
import { RECORD_TYPES } from '../../../host/dns.ts';
import type { Host } from '../../../host/host.ts';
import { moment, readState, type StateFile } from '../../container/state-file.ts';
import type { Paths } from '../../paths.ts';
import type { SetName } from './present.ts';

export interface OwnValue extends SetName {
  readonly value: string;
  /** False for one that was there already, just as we would have published it. */
  readonly made: boolean;
  /** Published for a while by another part (a challenge, a key in waiting); a setup leaves it alone. */
  readonly held?: boolean;
}

export interface JournalEntry extends SetName {
  readonly zone: string;
  readonly ttl: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface Journal {
  /** RFC 3339. */
  readonly at: string;
  /** False while not every server has been seen to show it. */
  readonly finished: boolean;
  readonly entries: readonly JournalEntry[];
}

export interface DnsState {
  readonly values: readonly OwnValue[];
  readonly last: Journal | null;
  /** True from the moment when new addresses are being published until every server shows them. */
  readonly moving?: boolean;
}

const setName = { name: string(), type: picklist(RECORD_TYPES) };

const schema = object({
  values: array(
    object({ ...setName, value: string(), made: boolean(), held: exactOptional(boolean()) }),
  ),
  last: nullable(
    object({
      at: moment,
      finished: boolean(),
      entries: array(
        object({
          ...setName,
          ...{ zone: string(), ttl: number(), added: array(string()), removed: array(string()) },
        }),
      ),
    }),
  ),
  moving: exactOptional(boolean()),
});

export const DNS_STATE: StateFile<DnsState> = {
  path: (paths) => join(paths.data, 'dns', 'state.json'),
  schema,
  empty: { values: [], last: null },
  ownFolder: true,
  // a record that is not known as ours is never removed: an old address would stay beside the new one
  whenDamaged: {
    withoutIt:
      'only records that equal the wanted ones count as ours then, and the last setup cannot be taken back',
  },
};

export function readDnsState(host: Host, paths: Paths): Promise<DnsState> {
  return readState(host, paths, DNS_STATE);
}

const same = (a: OwnValue, b: SetName & { value: string }) =>
  a.name === b.name && a.type === b.type && a.value === b.value;

export function withValues(state: DnsState, values: readonly OwnValue[]): DnsState {
  const kept = state.values.filter((old) => !values.some((value) => same(old, value)));
  // one that we made stays made, also when it is found again later
  const merged = values.map((value) => {
    const old = state.values.find((entry) => same(entry, value));
    return old === undefined ? value : { ...value, made: old.made || value.made };
  });
  return { ...state, values: [...kept, ...merged] };
}

export function withoutValues(
  state: DnsState,
  values: readonly (SetName & { value: string })[],
): DnsState {
  return { ...state, values: state.values.filter((old) => !values.some((one) => same(old, one))) };
}

/** The journal of a setup that goes on where an interrupted one stopped covers both. */
export function joinJournals(
  before: Journal | null,
  entries: readonly JournalEntry[],
): JournalEntry[] {
  if (before === null || before.finished) return [...entries];
  const joined = new Map<string, JournalEntry>();
  for (const entry of [...before.entries, ...entries]) {
    const key = `${entry.name} ${entry.type}`;
    const old = joined.get(key);
    if (old === undefined) {
      joined.set(key, entry);
      continue;
    }
    // what the first added and the second removed was never there before
    const added = [...old.added.filter((value) => !entry.removed.includes(value)), ...entry.added];
    const removed = [
      ...old.removed,
      ...entry.removed.filter((value) => !old.added.includes(value)),
    ];
    joined.set(key, { ...entry, added: [...new Set(added)], removed: [...new Set(removed)] });
  }
  return [...joined.values()];
}
