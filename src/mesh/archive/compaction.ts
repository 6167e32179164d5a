// Which archives a backup stores again, so that a restore never needs many: their messages are on the disk of the box,
// which cannot read its old archives. Pure.

export interface ArchiveUse {
  readonly id: number;
  /** Bytes of content that were stored in it. */
  readonly stored: number;
  /** Bytes of content that the present entries use. */
  readonly live: number;
}

/** Small archives that may stay; with one more, the smallest are stored again as one. */
const MAX_SMALL = 24;
const TOGETHER = 16;
const SMALL = 128 * 1024 * 1024;
/** Below this share of living content an archive is stored again. */
const MIN_LIVE = 0.5;
/** Less dead content than this is not worth the work. */
const MIN_DEAD = 4 * 1024 * 1024;

export function planCompaction(archives: readonly ArchiveUse[]): Set<number> {
  const used = archives.filter(({ live }) => live > 0);
  const wasteful = used.filter(
    ({ stored, live }) => live < stored * MIN_LIVE && stored - live >= MIN_DEAD,
  );
  const leaving = new Set(wasteful.map(({ id }) => id));
  const small = used.filter(({ id, live }) => !leaving.has(id) && live < SMALL);
  if (small.length > MAX_SMALL) {
    const smallest = small.sort((a, b) => a.live - b.live).slice(0, TOGETHER);
    for (const { id } of smallest) leaving.add(id);
  }
  return leaving;
}
