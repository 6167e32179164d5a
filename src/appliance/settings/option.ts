// The types of the option table and of the settings derived from it.

/** A kind of value: its written form and how it is parsed. */
export interface Kind<T> {
  /** Completes the sentence "'x' is not …". */
  readonly expected: string;
  /** Never shown in a message. */
  readonly isSecret?: boolean;
  /** undefined: the text is invalid. */
  readonly parse: (text: string) => T | undefined;
}

export type Reading<T> = { readonly value: T } | { readonly refused: string };

/** One option of the table. */
export interface Option<T> {
  /** Written as `list` lines, or as one option with blanks between the items. */
  readonly isList: boolean;
  readonly isSecret: boolean;
  readonly expected: string;
  /** As in the shipped file; list items with blanks between them. */
  readonly default: string;
  readonly doc: string;
  readonly since: string;
  /** @param items the value as written: one text, or the items of a list */
  readonly read: (items: readonly string[]) => Reading<T>;
}

export interface Section<O> {
  readonly type: string;
  readonly doc: string;
  readonly isRequired: boolean;
  readonly options: O;
}

export type OptionTable = Readonly<
  Record<string, Section<Readonly<Record<string, Option<unknown>>>>>
>;

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

type ValueOf<O> = O extends Option<infer T> ? T : never;

/** The settings of a table: the same sections, camelCase option names, typed values. */
export type SettingsOf<Table extends OptionTable> = {
  readonly [S in keyof Table]: {
    readonly [O in keyof Table[S]['options'] as CamelCase<O & string>]: ValueOf<
      Table[S]['options'][O]
    >;
  };
};

const FIRST_VERSION = '0.1.0';

export function section<const O extends Readonly<Record<string, Option<unknown>>>>(
  type: string,
  doc: string,
  options: O,
): Section<O> {
  return { type, doc, isRequired: false, options };
}

/** A file without this section is invalid. */
export function required<O>(part: Section<O>): Section<O> {
  return { ...part, isRequired: true };
}

export function option<T>(
  kind: Kind<T>,
  byDefault: string,
  doc: string,
  since = FIRST_VERSION,
): Option<T> {
  const read = (items: readonly string[]): Reading<T> => {
    const text = items.join(' ');
    const value = kind.parse(text);
    return value === undefined ? { refused: text } : { value };
  };
  const { expected, isSecret = false } = kind;
  return { isList: false, isSecret, expected, default: byDefault, doc, since, read };
}

export function list<T>(
  kind: Kind<T>,
  byDefault: string,
  doc: string,
  since = FIRST_VERSION,
): Option<readonly T[]> {
  const read = (items: readonly string[]): Reading<readonly T[]> => {
    const values: T[] = [];
    for (const item of items) {
      const value = kind.parse(item);
      if (value === undefined) {
        return { refused: item };
      }
      values.push(value);
    }
    return { value: values };
  };
  const { expected, isSecret = false } = kind;
  return { isList: true, isSecret, expected, default: byDefault, doc, since, read };
}

/** The items of a list that is written as one option. */
export function splitItems(text: string): readonly string[] {
  return text.split(' ').filter((item) => item !== '');
}

export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
