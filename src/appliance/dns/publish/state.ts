// The records that mailctl published, in <data>/dns/state.json (root only): it recognizes its own records, can undo
// the last setup, and can finish an interrupted one.

import { join } from 'node:path';
import { array, boolean, exactOptional, nullable, number, object, picklist, string } from 'valibot';
import { RECORD_TYPES } from '../../../host/dns.ts';
import type { Host } from '../../../host/host.ts';
import { moment, readState, type StateFile } from '../../container/state-file.ts';
import type { Paths } from '../../paths.ts';
import { type SetName, setKey } from './present.ts';

export interface OwnValue extends SetName {
  readonly value: string;
  /** False for a value that was already published exactly as wanted. */
  readonly made: boolean;
  /** Published by another part (an ACME challenge, a standby key); dns-setup does not change it. */
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
  /** False until every server shows the changes. */
  readonly finished: boolean;
  readonly entries: readonly JournalEntry[];
}

export interface DnsState {
  readonly values: readonly OwnValue[];
  readonly last: Journal | null;
  /** True while new addresses are being published, until every server shows them. */
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
  // without the state mailctl removes no record: an old address would stay beside the new one
  whenDamaged: {
    withoutIt:
      'only records that equal the wanted ones count as published by mailctl, and the last setup cannot be undone',
  },
};

export function readDnsState(host: Host, paths: Paths): Promise<DnsState> {
  return readState(host, paths, DNS_STATE);
}

const same = (a: OwnValue, b: SetName & { value: string }) =>
  a.name === b.name && a.type === b.type && a.value === b.value;

export function withValues(state: DnsState, values: readonly OwnValue[]): DnsState {
  const kept = state.values.filter((old) => !values.some((value) => same(old, value)));
  // a value that mailctl published stays `made` when a later run finds it
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

/** Joins the journal of an interrupted setup with that of the run that completes it. */
export function joinJournals(
  before: Journal | null,
  entries: readonly JournalEntry[],
): JournalEntry[] {
  if (before === null || before.finished) return [...entries];
  const joined = new Map<string, JournalEntry>();
  for (const entry of [...before.entries, ...entries]) {
    const key = setKey(entry);
    const old = joined.get(key);
    if (old === undefined) {
      joined.set(key, entry);
      continue;
    }
    // a value that the first run added and the second removed is in neither list
    const added = [...old.added.filter((value) => !entry.removed.includes(value)), ...entry.added];
    const removed = [
      ...old.removed,
      ...entry.removed.filter((value) => !old.added.includes(value)),
    ];
    joined.set(key, { ...entry, added: [...new Set(added)], removed: [...new Set(removed)] });
  }
  return [...joined.values()];
}
