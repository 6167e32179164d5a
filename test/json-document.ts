// docs/json.md as data: what each word prints with --json, and how an object differs from that. How a shape
// is written stands in the document itself.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const DOCUMENT = join(import.meta.dir, '../docs/json.md');

export type Shape =
  | string
  | number
  | boolean
  | readonly [Shape]
  | { readonly [key: string]: Shape };

const LEAVES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: Number.isFinite,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  'RFC 3339': (value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value),
  'SHA-256': (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
};

/** By what follows ```json: `mailctl user list`, `mailctl apply --dry-run`, `error`. */
export function readShapes(): ReadonlyMap<string, Shape> {
  const text = readFileSync(DOCUMENT, 'utf8');
  const shapes = new Map<string, Shape>();
  for (const [, label = '', body = ''] of text.matchAll(/^```json (.+)\n([^`]*)^```$/gm)) {
    if (shapes.has(label)) throw new Error(`two examples of ${label}`);
    shapes.set(label, JSON.parse(body) as Shape);
  }
  return shapes;
}

function fitsLeaf(types: string, value: unknown): boolean {
  return types.split('|').some((type) => LEAVES[type]?.(value) ?? value === type);
}

interface Key {
  readonly name: string;
  readonly shape: Shape;
  readonly optional: boolean;
  readonly nullable: boolean;
}

function keysOf(shape: { readonly [key: string]: Shape }): Key[] {
  return Object.entries(shape).map(([key, of]) => {
    const [, name = '', mark] = /^(\w+)(\?|\|null)?$/.exec(key) ?? [];
    if (name === '') throw new Error(`${JSON.stringify(key)} is no key of a shape`);
    return { name, shape: of, optional: mark === '?', nullable: mark === '|null' };
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every path of a shape: `.checks`, `.checks[]`, `.checks[].id`. */
export function pathsOf(shape: Shape, path = ''): string[] {
  if (Array.isArray(shape)) return [path, ...pathsOf(shape[0], `${path}[]`)];
  if (typeof shape !== 'object') return [path];
  const below = keysOf(shape as { [key: string]: Shape });
  return [path, ...below.flatMap((key) => pathsOf(key.shape, `${path}.${key.name}`))];
}

/** A sentence for each difference; `seen` gets the paths that have been compared. */
export function differences(
  shape: Shape,
  value: unknown,
  seen: Set<string> = new Set(),
  path = '',
): string[] {
  seen.add(path);
  const found = JSON.stringify(value);
  if (typeof shape === 'string') {
    return fitsLeaf(shape, value) ? [] : [`${path}: ${found} is not ${shape}`];
  }
  if (typeof shape !== 'object')
    return value === shape ? [] : [`${path}: ${found} is not ${shape}`];
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path}: ${found} is not a list`];
    return value.flatMap((one) => differences(shape[0], one, seen, `${path}[]`));
  }
  if (!isObject(value)) return [`${path}: ${found} is not an object`];
  const keys = keysOf(shape as { [key: string]: Shape });
  const known = new Set(keys.map(({ name }) => name));
  const strangers = Object.keys(value).filter((name) => !known.has(name));
  return [
    ...strangers.map((name) => `${path}.${name}: printed, but not documented`),
    ...keys.flatMap(({ name, shape: of, optional, nullable }) => {
      const at = `${path}.${name}`;
      if (!(name in value)) return optional ? [] : [`${at}: documented, but not printed`];
      return nullable && value[name] === null ? [] : differences(of, value[name], seen, at);
    }),
  ];
}
