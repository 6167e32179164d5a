// Sizes in bytes, as written in UCI and shown to the operator; one K is 1024 bytes.

export const SIZES = [
  ['T', 2 ** 40],
  ['G', 2 ** 30],
  ['M', 2 ** 20],
  ['K', 2 ** 10],
] as const;

/** `1.5G`; a whole number of bytes below 1K: `12B`. */
export function formatBytes(bytes: number): string {
  const [unit, size] = SIZES.find(([, limit]) => bytes >= limit) ?? ['B', 1];
  return `${(bytes / size).toFixed(size === 1 ? 0 : 1)}${unit}`;
}

/** The bytes of one unit of a size; NaN for an unknown unit. */
export function unitBytes(unit: string): number {
  if (unit === '' || unit === 'B') return 1;
  return SIZES.find(([name]) => name === unit)?.[1] ?? Number.NaN;
}
