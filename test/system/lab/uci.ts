// Writes UCI files for tests. Deliberately not the product's own writer: two implementations check each other.

export type UciValues = Record<string, Record<string, string | number | string[]>>;

const quote = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;

/** Section `main` has the type `mailserver`, `relay_…` the type `relay`; the type of every other section is its name. */
export function formatUci(values: UciValues): string {
  return Object.entries(values)
    .map(([section, options]) => {
      const [word = ''] = section.split('_');
      const type = section === 'main' ? 'mailserver' : word;
      const lines = Object.entries(options).flatMap(([name, value]) =>
        Array.isArray(value)
          ? value.map((entry) => `\tlist ${name} ${quote(entry)}`)
          : [`\toption ${name} ${quote(String(value))}`],
      );
      return [`config ${type} ${quote(section)}`, ...lines, ''].join('\n');
    })
    .join('\n');
}

/** Merges both; an option of the second wins. */
export function mergeUci(base: UciValues, more: UciValues): UciValues {
  const sections = [...new Set([...Object.keys(base), ...Object.keys(more)])];
  return Object.fromEntries(sections.map((name) => [name, { ...base[name], ...more[name] }]));
}
