// What a peer may do in its folder: add files up to its quota, and remove those that are older than its protected
// window. It replaces nothing, so that a taken-over box cannot destroy its past. Pure.

import type { StoredFile } from '../store.ts';

/** What the host of a peer grants it. */
export interface Grant {
  readonly quota: number;
  /** No file can be removed for this long after it was completed. */
  readonly protectedSeconds: number;
}

/** An incomplete upload. */
export interface Part {
  readonly name: string;
  /** Of the complete file. */
  readonly sha256: string;
  /** Bytes that have arrived. */
  readonly size: number;
  readonly modified: Date;
}

/** The folder of one peer, and the state of its disk. */
export interface Holding {
  readonly files: readonly StoredFile[];
  readonly parts: readonly Part[];
  /** Bytes still to come in uploads that run now. */
  readonly expected: number;
  readonly disk: { readonly free: number; readonly total: number };
}

/** A small file takes a block and an inode. */
const LEAST_CHARGE = 4096;
/** Of the disk, kept free for the mail of this box. */
const RESERVE = 0.05;
/** A list of more would not fit in an answer. */
const MAX_FILES = 20_000;
const MAX_PARTS = 8;
const MAX_PART_DAYS = 7;
const DAY_MS = 86_400_000;

const charge = (size: number): number => Math.max(size, LEAST_CHARGE);
const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

/** Bytes that count towards the quota. */
export function usedBytes({ files, parts, expected }: Omit<Holding, 'disk'>): number {
  return sum([...files, ...parts].map(({ size }) => charge(size))) + expected;
}

/** Why `size` more bytes are refused; null when they are not. */
export function refuseBytes(
  holding: Holding,
  { quota }: Pick<Grant, 'quota'>,
  size: number,
): 'quota' | 'space' | null {
  if (holding.files.length + holding.parts.length >= MAX_FILES) return 'quota';
  if (usedBytes(holding) + charge(size) > quota) return 'quota';
  const { free, total } = holding.disk;
  return free - holding.expected - size < total * RESERVE ? 'space' : null;
}

/** Parts that are too old, or too many: an upload that goes on is among the newest. */
export function planPartRemoval(parts: readonly Part[], now: Date): readonly Part[] {
  const newest = parts.toSorted((a, b) => b.modified.getTime() - a.modified.getTime());
  const oldest = now.getTime() - MAX_PART_DAYS * DAY_MS;
  return newest.filter((part, index) => index >= MAX_PARTS || part.modified.getTime() < oldest);
}

/** A file from the future is as new as can be: the clock has been set back. */
export function isProtected(
  { modified }: Pick<StoredFile, 'modified'>,
  { protectedSeconds }: Pick<Grant, 'protectedSeconds'>,
  now: Date,
): boolean {
  return now.getTime() - modified.getTime() < protectedSeconds * 1000;
}
