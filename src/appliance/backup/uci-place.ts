// The UCI file of a backup on another machine: what belongs to the place stays as it is here, the rest is the backup's. Pure.

import { isDeepStrictEqual } from 'node:util';
import { findEntries, mergeEntries, type UciDocument } from '../../uci/document.ts';
import { parseUci } from '../../uci/parse.ts';
import { type Assignment, assignOptions } from '../settings/assign.ts';
import { type OptionTable, splitItems } from '../settings/option.ts';
import { OPTIONS } from '../settings/options.ts';

/** Folders and names of this machine: always as they are here, also where they have their defaults. */
const OF_THIS_MACHINE = ['data_path', 'container', 'lxc_path', 'idmap_base'] as const;
/** As they are here only where this machine's file sets them. */
const IMAGE = ['image', 'image_sha256'] as const;

const TABLE: OptionTable = OPTIONS;

function itemsOf(document: UciDocument, section: string, name: string): readonly string[] {
  const value = mergeEntries(findEntries(document, section, name)) ?? [];
  return typeof value === 'string' ? splitItems(value) : value;
}

const defaultOf = (section: string, name: string): readonly string[] =>
  splitItems(TABLE[section]?.options[name]?.default ?? '');

const documentOf = (text: string | null): UciDocument =>
  parseUci(text ?? '', { singleLineValues: true }).document;

/**
 * The text to write: that of the backup, with the folders and names of this machine, and with its network where its file
 * describes one.
 * @param present the text of this machine's file; null when it has none
 */
export function uciOfThisPlace({
  backup,
  present,
  file,
}: {
  backup: string;
  present: string | null;
  file: string;
}): string {
  const here = documentOf(present);
  const there = documentOf(backup);
  const valueIn = (document: UciDocument, section: string, name: string) => {
    const items = itemsOf(document, section, name);
    return items.length > 0 ? items : defaultOf(section, name);
  };
  const network = Object.keys(TABLE.network?.options ?? {});
  const isSet = (section: string, name: string) =>
    !isDeepStrictEqual(valueIn(here, section, name), defaultOf(section, name));
  const hasNetwork = network.some((name) => isSet('network', name));
  const names = [
    ...OF_THIS_MACHINE.map((name) => ['main', name] as const),
    ...IMAGE.filter((name) => isSet('main', name)).map((name) => ['main', name] as const),
    ...(hasNetwork ? network.map((name) => ['network', name] as const) : []),
  ];
  const assignments = names
    .map(([section, name]) => ({ section, name, values: valueIn(here, section, name) }))
    .filter(
      ({ section, name, values }) => !isDeepStrictEqual(values, valueIn(there, section, name)),
    )
    .map(({ section, name, values }): Assignment => {
      return { option: `${section}.${name}`, how: 'set', values };
    });
  return assignOptions(backup, file, assignments).text;
}
