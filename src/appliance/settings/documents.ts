// The documents generated from the option table: the shipped UCI file and docs/options.md.

import { formatValue } from '../../uci/document.ts';
import type { Option, OptionTable } from './option.ts';
import { splitItems } from './option.ts';

const GENERATED = 'Generated from src/appliance/settings/options.ts by scripts/generate-config.ts';

/** files/etc/config/mailserver: every option with its default and a line of description. */
export function formatShippedFile(table: OptionTable): string {
  const head = [
    '# The mail server. Check changes with `mailctl config check`, preview them with `mailctl plan`,',
    '# apply them with `mailctl apply`. An empty option means its default.',
  ];
  const sections = Object.entries(table).flatMap(([name, { type, options }]) => [
    '',
    `config ${type} '${name}'`,
    ...Object.entries(options).flatMap(([option, row]) => formatRow(option, row)),
  ]);
  return `${[...head, ...sections].join('\n')}\n`;
}

function formatRow(name: string, { isList, default: byDefault, doc }: Option<unknown>): string[] {
  const items = isList ? splitItems(byDefault) : [];
  const statements =
    items.length > 0
      ? items.map((item) => `\tlist ${name} ${formatValue(item)}`)
      : [`\toption ${name} ${formatValue(byDefault)}`];
  return [`\t# ${doc}`, ...statements];
}

/** docs/options.md */
export function formatOptionsPage(table: OptionTable): string {
  const head = `# Options of /etc/config/mailserver

<!-- ${GENERATED} -->

A switch is \`1\`, \`yes\`, \`on\`, \`true\` or \`enabled\`, or \`0\`, \`no\`, \`off\`, \`false\` or \`disabled\`. The units
of sizes are powers of 1024; a size without a unit is in bytes, a duration without one in seconds. A list is
written as \`list NAME 'VALUE'\` lines, or as one option with blanks between the values. An empty option means
its default. \`mailctl config check\` reports every problem of the file with its line.`;
  const parts = Object.entries(table).map(([name, { type, doc, options }]) =>
    [
      `## ${doc}: \`config ${type} '${name}'\``,
      '',
      '| option | value | default | meaning | since |',
      '|---|---|---|---|---|',
      ...Object.entries(options).map(([option, row]) => formatTableRow(option, row)),
    ].join('\n'),
  );
  return `${[head, ...parts].join('\n\n')}\n`;
}

function formatTableRow(name: string, row: Option<unknown>): string {
  const value = row.isList ? `list; each ${row.expected}` : row.expected;
  const byDefault = row.default === '' ? '' : `\`${row.default}\``;
  const cells = [`\`${name}\``, value, byDefault, row.doc, row.since];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
