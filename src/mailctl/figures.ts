// Figures as people read them.

const SIZES = [
  [2 ** 40, 'T'],
  [2 ** 30, 'G'],
  [2 ** 20, 'M'],
  [2 ** 10, 'K'],
] as const;

/** In the units of UCI sizes: 1K is 1024 bytes. */
export function formatBytes(bytes: number): string {
  const [size, unit] = SIZES.find(([limit]) => bytes >= limit) ?? [1, 'B'];
  return `${(bytes / size).toFixed(size === 1 ? 0 : 1)}${unit}`;
}

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
