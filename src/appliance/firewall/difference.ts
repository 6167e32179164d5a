// The difference between the wanted sections and those of a UCI file, as commands of `uci batch`. Options that are not
// ours in our sections (enabled, name, counter, …) belong to the operator and are kept. Pure.

import { MailctlError } from '../../errors.ts';
import { formatValue, mergeEntries, type UciDocument, type UciValue } from '../../uci/document.ts';
import { parseUci } from '../../uci/parse.ts';
import type { Change } from '../apply/changes.ts';
import type { WantedSection } from './sections.ts';

/** A section of the file, with the parts of the same name merged as libuci does. */
export interface PresentSection {
  readonly type: string;
  /** Null for an anonymous section. */
  readonly name: string | null;
  readonly options: ReadonlyMap<string, UciValue>;
}

/** @param file its path, for the error. Throws DATA_INVALID with the first problem. */
export function readSections(file: string, text: string): readonly PresentSection[] {
  const { document, problems } = parseUci(text);
  const [problem] = problems;
  if (problem === undefined) return mergeSections(document);
  throw new MailctlError('DATA_INVALID', `${file}:${problem.line}: ${problem.message}`, {
    hint: `correct ${file}, then repeat`,
  });
}

function mergeSections({ sections }: UciDocument): readonly PresentSection[] {
  const firsts = sections.filter(
    ({ name }, index) => name === null || sections.findIndex((one) => one.name === name) === index,
  );
  return firsts.map((first) => {
    const parts =
      first.name === null ? [first] : sections.filter(({ name }) => name === first.name);
    const entries = parts.flatMap((part) => part.entries);
    const options = new Map<string, UciValue>();
    for (const { name } of entries) {
      const value = mergeEntries(entries.filter((entry) => entry.name === name));
      if (value !== undefined) options.set(name, value);
    }
    return { type: first.type, name: first.name, options };
  });
}

export interface Difference {
  readonly changes: readonly Change[];
  /** Empty without a change. */
  readonly batch: string;
}

interface Part {
  readonly change: Change;
  readonly commands: readonly string[];
}

interface Wanting {
  /** The file's name in /etc/config. */
  readonly config: string;
  readonly present: readonly PresentSection[];
  readonly wanted: readonly WantedSection[];
  /** Names that are ours, wanted or not. */
  readonly names: ReadonlySet<string>;
}

function isSame(present: UciValue | undefined, wanted: string | readonly string[]): boolean {
  return JSON.stringify(present) === JSON.stringify(wanted);
}

function setCommands(place: string, value: string | readonly string[], isThere: boolean) {
  if (typeof value === 'string') return [`set ${place}=${formatValue(value)}`];
  const items = value.map((item) => `add_list ${place}=${formatValue(item)}`);
  return isThere ? [`delete ${place}`, ...items] : items;
}

const lineOf = ([name, value]: readonly [string, UciValue]) =>
  `${name} ${[value].flat().join(' ')}\n`;

function planSection(config: string, wanted: WantedSection, present: PresentSection | undefined) {
  const { type, name, options } = wanted;
  if (present !== undefined && present.type !== type) {
    throw new MailctlError(
      'HOST_UNFIT',
      `section '${name}' of /etc/config/${config} is a ${present.type}, and mailctl needs the name for a ${type}`,
      { hint: `uci rename ${config}.${name}=<another name>; uci commit ${config}` },
    );
  }
  const differing = Object.entries(options).filter(
    ([key, value]) => !isSame(present?.options.get(key), value),
  );
  if (present !== undefined && differing.length === 0) return [];
  const place = `${config}.${name}`;
  const commands = differing.flatMap(([key, value]) =>
    setCommands(`${place}.${key}`, value, present?.options.has(key) ?? false),
  );
  const effect = { none: true } as const;
  const title = { what: 'firewall', name: `${config} ${type} ${name}`, effect } as const;
  const own = [...(present?.options ?? [])].filter(([key]) => key in options);
  const texts = {
    before: own.map(lineOf).join(''),
    after: Object.entries(options).map(lineOf).join(''),
  };
  const change: Change = { ...title, action: present === undefined ? 'add' : 'change', ...texts };
  const declared = present === undefined ? [`set ${place}=${formatValue(type)}`] : [];
  return [{ change, commands: [...declared, ...commands] }];
}

function removeSection(config: string, { type, name }: PresentSection): Part {
  const effect = { none: true } as const;
  const title = { what: 'firewall', name: `${config} ${type} ${name}`, effect } as const;
  return { change: { ...title, action: 'remove' }, commands: [`delete ${config}.${name}`] };
}

/** Moves each DROP rule of ours before the first rule of ours that accepts, which would otherwise decide. */
function planOrder({ config, present, wanted }: Wanting, gone: ReadonlySet<string>): Part[] {
  const kept = present.map(({ name }) => name).filter((name) => !gone.has(name ?? ''));
  const added = wanted.map(({ name }) => name).filter((name) => !kept.includes(name));
  const order: (string | null)[] = [...kept, ...added];
  const accepts = wanted.filter(({ options }) => options.target === 'ACCEPT');
  const drops = wanted.filter(({ options }) => options.target === 'DROP');
  return drops.flatMap(({ type, name }): Part[] => {
    const places = accepts.map((one) => order.indexOf(one.name));
    const first = Math.min(...places);
    const at = order.indexOf(name);
    if (at < first) return [];
    order.splice(at, 1);
    order.splice(first, 0, name);
    const effect = { none: true } as const;
    const title = `${config} ${type} ${name} (order)`;
    const change: Change = { what: 'firewall', name: title, action: 'change', effect };
    return [{ change, commands: [`reorder ${config}.${name}=${formatValue(String(first))}`] }];
  });
}

/** Throws HOST_UNFIT when a section of another type has a name of ours. */
export function planSections(wanting: Wanting): Difference {
  const { config, present, wanted, names } = wanting;
  const stale = present.filter(
    ({ name }) => name !== null && names.has(name) && !wanted.some((one) => one.name === name),
  );
  const parts = [
    ...stale.map((section) => removeSection(config, section)),
    ...wanted.flatMap((one) =>
      planSection(
        config,
        one,
        present.find(({ name }) => name === one.name),
      ),
    ),
    ...planOrder(wanting, new Set(stale.map(({ name }) => name ?? ''))),
  ];
  const lines = parts.flatMap(({ commands }) => commands).map((line) => `${line}\n`);
  return { changes: parts.map(({ change }) => change), batch: lines.join('') };
}

/** The sections that are not ours, to prove that a change leaves them alone. */
export function foreignSections(
  present: readonly PresentSection[],
  names: ReadonlySet<string>,
): string {
  const foreign = present.filter(({ name }) => name === null || !names.has(name));
  return JSON.stringify(foreign.map(({ type, name, options }) => [type, name, [...options]]));
}
