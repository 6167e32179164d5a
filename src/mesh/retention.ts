// Which backups a peer keeps: the newest of each hour, day, week and month, as many as the rule says. Pure: the plan of
// one prune. A backup that is kept keeps every archive that it needs, whoever made it.

/** How many of the newest hours, days, weeks and months that have a backup keep one. */
export interface RetentionRule {
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
}

/** A backup as its manifest describes it. */
export interface KeptBackup {
  readonly sequence: number;
  readonly time: Date;
  /** Names of the archives that a restore of it reads: its own, and those of older backups. */
  readonly archives: readonly string[];
}

export interface Holding {
  readonly backups: readonly KeptBackup[];
  /** Every archive that the peer has, by name. */
  readonly archives: readonly { readonly name: string; readonly sequence: number }[];
  /** The newest backup of which a trial restore succeeded; null before the first. */
  readonly verified: number | null;
}

export interface Prune {
  /** Sequences whose manifests are removed, and this before any archive. */
  readonly backups: readonly number[];
  readonly archives: readonly string[];
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Kept by number alone, whatever the clock says. */
const NEWEST = 3;
/** 1970 began on a Thursday; weeks begin on Monday. */
const MONDAY = 4 * DAY;

const PERIODS: Readonly<Record<keyof RetentionRule, (time: number) => number>> = {
  hourly: (time) => Math.floor(time / HOUR),
  daily: (time) => Math.floor(time / DAY),
  weekly: (time) => Math.floor((time - MONDAY) / (7 * DAY)),
  monthly: (time) => {
    const date = new Date(time);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  },
};

/** The newest backup of each of the last `count` periods. Backups are newest first. */
function newestOf(
  backups: readonly KeptBackup[],
  period: (time: number) => number,
  count: number,
): number[] {
  const seen = new Set<number>();
  const kept: number[] = [];
  for (const { sequence, time } of backups) {
    const at = period(time.getTime());
    if (seen.has(at)) continue;
    if (seen.size >= count) break;
    seen.add(at);
    kept.push(sequence);
  }
  return kept;
}

/**
 * The times that the rule goes by never decrease with the sequence and are never in the future, so a clock that was wrong
 * for a while moves the backups of that while alone. Newest first, as given.
 */
function soundTimes(newestFirst: readonly KeptBackup[], now: Date): KeptBackup[] {
  let latest = 0;
  return newestFirst
    .toReversed()
    .map((backup) => {
      latest = Math.max(latest, Math.min(backup.time.getTime(), now.getTime()));
      return { ...backup, time: new Date(latest) };
    })
    .toReversed();
}

/** A clock that is behind the backups would give every one of them the same age. */
function isBehind(backups: readonly KeptBackup[], now: Date): boolean {
  const times = backups.map(({ time }) => time.getTime()).sort((a, b) => a - b);
  const middle = times[Math.floor(times.length / 2)];
  return middle !== undefined && middle > now.getTime();
}

/**
 * What can be removed from a peer. Nothing while the clock is behind the backups. Archives of a backup whose manifest is
 * not there yet are being sent, and stay.
 */
export function planPrune(holding: Holding, rule: RetentionRule, now: Date): Prune {
  const newestFirst = [...holding.backups].sort((a, b) => b.sequence - a.sequence);
  const newest = newestFirst[0];
  if (newest === undefined || isBehind(newestFirst, now)) return { backups: [], archives: [] };
  const timed = soundTimes(newestFirst, now);
  const names = Object.keys(PERIODS) as (keyof RetentionRule)[];
  const kept = new Set([
    ...newestFirst.slice(0, NEWEST).map(({ sequence }) => sequence),
    ...names.flatMap((name) => newestOf(timed, PERIODS[name], rule[name])),
    ...(holding.verified === null ? [] : [holding.verified]),
  ]);
  const needed = new Set(
    newestFirst.filter(({ sequence }) => kept.has(sequence)).flatMap(({ archives }) => archives),
  );
  return {
    backups: newestFirst.map(({ sequence }) => sequence).filter((one) => !kept.has(one)),
    archives: holding.archives
      .filter(({ name, sequence }) => sequence <= newest.sequence && !needed.has(name))
      .map(({ name }) => name),
  };
}
