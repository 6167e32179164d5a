// Kinds of values: numbers, switches, keywords, as written in UCI files.

import { unitBytes } from './bytes.ts';
import type { Kind } from './option.ts';

const BOOLEANS = new Map([
  ...['1', 'yes', 'on', 'true', 'enabled'].map((word) => [word, true] as const),
  ...['0', 'no', 'off', 'false', 'disabled'].map((word) => [word, false] as const),
]);

export function boolean(): Kind<boolean> {
  return { expected: 'a switch (0 or 1)', parse: (text) => BOOLEANS.get(text) };
}

export function integer(min: number, max: number): Kind<number> {
  return {
    expected: `a whole number (${min}–${max})`,
    parse: (text) => bounded(/^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : NaN, min, max),
  };
}

export function decimal(min: number, max: number): Kind<number> {
  return {
    expected: `a number (${min}–${max})`,
    parse: (text) => bounded(/^\d{1,9}(?:\.\d{1,3})?$/.test(text) ? Number(text) : NaN, min, max),
  };
}

export function port(): Kind<number> {
  return { ...integer(1, 65535), expected: 'a port (1–65535)' };
}

/** In bytes; the units are powers of 1024, as for LXC and Dovecot. */
export function size(min: string, max: string): Kind<number> {
  const [least, most] = [parseSize(min), parseSize(max)];
  return {
    expected: `a size (${min}–${max}, with the unit K, M, G or T)`,
    parse: (text) => bounded(parseSize(text), least, most),
  };
}

function parseSize(text: string): number {
  const match = /^([1-9]\d{0,14})([KMGT]?)$/i.exec(text);
  return Number(match?.[1]) * unitBytes(match?.[2]?.toUpperCase() ?? '');
}

const SECONDS = new Map([
  ['', 1],
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
  ['w', 604_800],
]);

/** In seconds; a number without a unit is in seconds too. */
export function duration(min: string, max: string): Kind<number> {
  const [least, most] = [parseDuration(min), parseDuration(max)];
  return {
    expected: `a duration (${min}–${max}, with the unit s, m, h, d or w)`,
    parse: (text) => bounded(parseDuration(text), least, most),
  };
}

function parseDuration(text: string): number {
  const match = /^([1-9]\d{0,14})([smhdw]?)$/.exec(text);
  return Number(match?.[1]) * (SECONDS.get(match?.[2] ?? '') ?? NaN);
}

export function timeOfDay(): Kind<string> {
  return {
    expected: 'a time of day (00:00–23:59)',
    parse: (text) => (/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(text) ? text : undefined),
  };
}

/** NaN is out of bounds. */
function bounded(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}

export function oneOf<const T extends string>(...words: readonly T[]): Kind<T> {
  return {
    expected: `one of ${words.join(', ')}`,
    parse: (text) => words.find((word) => word === text),
  };
}

/** Printable ASCII that neither begins nor ends with a blank. */
export function secret(): Kind<string> {
  return {
    expected: 'a password (1–256 printable ASCII characters, no blank at an end)',
    isSecret: true,
    parse: (text) => (/^[!-~](?:[ -~]{0,254}[!-~])?$/.test(text) ? text : undefined),
  };
}

export function sha256(): Kind<string> {
  return {
    expected: 'a SHA-256 (64 hexadecimal digits)',
    parse: (text) => (/^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined),
  };
}

/** null for 0. */
export function orOff<T>(kind: Kind<T>): Kind<T | null> {
  return {
    ...kind,
    expected: kind.expected.replace(/\)$/, ', or 0 to disable)'),
    parse: (text) => (text === '0' ? null : kind.parse(text)),
  };
}

/** null when empty. */
export function optional<T>(kind: Kind<T>): Kind<T | null> {
  return { ...kind, parse: (text) => (text === '' ? null : kind.parse(text)) };
}
