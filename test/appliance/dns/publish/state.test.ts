import { expect, test } from 'bun:test';
import {
  type JournalEntry,
  joinJournals,
  withoutValues,
  withValues,
} from '../../../../src/appliance/dns/publish/state.ts';

const entry = (added: string[], removed: string[]): JournalEntry => ({
  ...{ name: 'n.example', type: 'TXT', zone: 'n.example', ttl: 60 },
  ...{ added, removed },
});
const journal = (finished: boolean, ...entries: JournalEntry[]) => ({ at: '', finished, entries });

test('the journal of a finished setup is replaced by the next one', () => {
  expect(joinJournals(journal(true, entry(['a'], [])), [entry(['b'], [])])).toEqual([
    entry(['b'], []),
  ]);
});

test('the journal covers an interrupted setup and the run that completes it', () => {
  const joined = joinJournals(journal(false, entry(['merged'], ['old'])), [entry(['merged'], [])]);

  expect(joined).toEqual([entry(['merged'], ['old'])]);
});

test('a value added by the first run and removed by the second is not in the journal', () => {
  const joined = joinJournals(journal(false, entry(['first'], ['old'])), [
    entry(['second'], ['first']),
  ]);

  expect(joined).toEqual([entry(['second'], ['old'])]);
});

test('a value that mailctl published stays marked as such when a later run finds it', () => {
  const value = { name: 'n.example', type: 'A', value: '192.0.2.1' } as const;
  const empty = { values: [], last: null };
  const made = withValues(empty, [{ ...value, made: true }]);

  const found = withValues(made, [{ ...value, made: false }]);

  expect(found.values).toEqual([{ ...value, made: true }]);
  expect(withoutValues(found, [value]).values).toEqual([]);
});
