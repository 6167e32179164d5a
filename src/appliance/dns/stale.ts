// Stale records: published by mailctl, and no longer wanted. Pure.

import type { SetChange } from './publish/change.ts';
import { hasValue, setKey } from './publish/present.ts';
import type { DnsState } from './publish/state.ts';
import type { ZoneView } from './zones.ts';

export function staleChanges(zone: ZoneView, state: DnsState, ttl: number): SetChange[] {
  const wanted = new Set(zone.wanted.map(setKey));
  const stale = state.values.filter(
    (own) => own.made && !own.held && !wanted.has(setKey(own)) && zone.present.has(setKey(own)),
  );
  const keys = [...new Set(stale.map(setKey))];
  return keys.flatMap((key) => {
    const set = zone.present.get(key);
    const values = stale.filter((own) => setKey(own) === key && hasValue(set, own.value));
    const [first] = values;
    if (set === undefined || first === undefined) return [];
    const before = set.values.map(({ value }) => value);
    const remove = values.map(({ value }) => value);
    const { name, type } = first;
    return [{ name, type, purpose: 'no longer needed', before, add: [], remove, ttl }];
  });
}
