// Runs items in parallel lanes until all are done.

/**
 * Runs every item once, with one lane for each list. A lane takes the items of its own list first, so that both kinds of
 * work run at the same time; then it takes the last item of the longest remaining list instead of idling. Results are in
 * the order of completion.
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
