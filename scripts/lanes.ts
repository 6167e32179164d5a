// Work in lanes that run side by side until there is none left.

/**
 * Runs every item once, one lane for each list. A lane takes from its own list first, so that the two kinds of work stay
 * beside each other; then it takes the last item of the longest list that is left, so that it never waits for the others.
 * The results come in the order in which the items ended.
 */
export async function runInLanes<Item, Outcome>(
  lists: readonly (readonly Item[])[],
  run: (item: Item, lane: number) => Promise<Outcome>,
): Promise<Outcome[]> {
  const left = lists.map((list) => [...list]);
  const outcomes: Outcome[] = [];
  const next = (lane: number): Item | undefined => {
    const own = left[lane];
    if (own !== undefined && own.length > 0) return own.shift();
    return left.reduce((most, list) => (list.length > most.length ? list : most), []).pop();
  };
  const work = async (lane: number) => {
    for (let item = next(lane); item !== undefined; item = next(lane)) {
      outcomes.push(await run(item, lane));
    }
  };
  await Promise.all(lists.map((_, lane) => work(lane)));
  return outcomes;
}
