// Sizes and durations as text.

const SPANS = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

/** The largest unit alone: `3 days`. */
export function formatSpan(seconds: number): string {
  const [span, unit] = SPANS.find(([limit]) => seconds >= limit) ?? [1, 'second'];
  const count = Math.max(0, Math.floor(seconds / span));
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
