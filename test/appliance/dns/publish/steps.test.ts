import { describe, expect, test } from 'bun:test';
import type { SetChange } from '../../../../src/appliance/dns/publish/change.ts';
import { type Manners, type Step, stepsFor } from '../../../../src/appliance/dns/publish/steps.ts';

/** The effect of dnsctl's verbs at each provider; a refusal changes nothing. */
const BEHAVIOUR: Record<Exclude<Manners, 'unknown'>, (set: string[], step: Step) => string[]> = {
  cloudflare: (set, { verb, value = '' }) => {
    if (verb === 'add') return [...set, value];
    const rest = set.slice(1);
    return verb === 'rm' ? rest : [...rest, value];
  },
  ovh: (set, { verb, value = '' }) => {
    if (verb === 'rm') return [];
    return verb === 'add' ? [...set, value] : [value];
  },
  gandi: (set, { verb, value = '' }) => {
    if (verb === 'rm') return [];
    return verb === 'add' && set.length > 0 ? set : [value];
  },
};

/** The zone of the changed name. */
const ZONE = 'com';

function subsets(values: readonly string[]): string[][] {
  const [first, ...rest] = values;
  if (first === undefined) return [[]];
  return subsets(rest).flatMap((subset) => [subset, [first, ...subset]]);
}

function permutations(values: readonly string[]): string[][] {
  if (values.length < 2) return [[...values]];
  return values.flatMap((one) =>
    permutations(values.filter((other) => other !== one)).map((rest) => [one, ...rest]),
  );
}

const change = (before: string[], remove: string[], add: string[]): SetChange => ({
  ...{ name: 'example.com', type: 'TXT', purpose: 'test', ttl: 300 },
  ...{ before, remove, add },
});

/** Every change of up to three records by up to two, in any order of the provider. */
const CHANGES = subsets(['a', 'b', 'c']).flatMap((before) =>
  subsets(before).flatMap((remove) =>
    subsets(['x', 'y'])
      .filter((add) => add.length + remove.length > 0)
      .map((add) => change(before, remove, add)),
  ),
);

describe.each(['cloudflare', 'ovh', 'gandi'] as const)('at %s', (manners) => {
  test('the steps keep foreign records and give the planned set, in any order', () => {
    for (const one of CHANGES) {
      const way = stepsFor(manners, one, ZONE);
      if (way.steps === null) continue;
      const kept = one.before.filter((value) => !one.remove.includes(value));
      for (const order of permutations(one.before)) {
        let set = order;
        for (const step of way.steps) {
          set = BEHAVIOUR[manners](set, step);
          expect(set).toEqual(expect.arrayContaining(kept));
        }
        expect([...set].sort()).toEqual([...kept, ...one.add].sort());
      }
    }
  });

  test('adding a record at an empty name and replacing a single own record are always possible', () => {
    expect(stepsFor(manners, change([], [], ['x']), ZONE)).toEqual({
      steps: [{ verb: 'add', value: 'x' }],
    });
    expect(stepsFor(manners, change(['a'], ['a'], ['x']), ZONE)).toEqual({
      steps: [{ verb: 'update', value: 'x' }],
    });
    expect(stepsFor(manners, change(['a'], ['a'], []), ZONE)).toEqual({ steps: [{ verb: 'rm' }] });
  });

  test('an own record is not removed beside a foreign one', () => {
    expect(stepsFor(manners, change(['a', 'b'], ['a'], []), ZONE).steps).toBeNull();
    expect(stepsFor(manners, change(['a', 'b'], ['a'], ['x']), ZONE).steps).toBeNull();
  });

  test.each(["it's", 'two\nlines', 'grün'])('the value %p is not sent', (value) => {
    expect(stepsFor(manners, change([], [], [value]), ZONE).steps).toBeNull();
  });
});

test('a record is added beside a foreign one at cloudflare and ovh, but not at gandi', () => {
  const beside = change(['a'], [], ['x']);

  expect(stepsFor('cloudflare', beside, ZONE).steps).toEqual([{ verb: 'add', value: 'x' }]);
  expect(stepsFor('ovh', beside, ZONE).steps).toEqual([{ verb: 'add', value: 'x' }]);
  expect(stepsFor('gandi', beside, ZONE).steps).toBeNull();
});

test('with an unknown provider records are added at empty names only', () => {
  const possible = CHANGES.filter((one) => stepsFor('unknown', one, ZONE).steps !== null);

  expect(possible).toEqual([change([], [], ['x']), change([], [], ['y'])]);
});
