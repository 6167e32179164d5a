// The options of the UCI file that contain a secret. Pure.

import { camelCase } from './option.ts';
import { OPTIONS } from './options.ts';
import type { Settings } from './settings.ts';

/** The names of the secrets that are set, such as `smtp.relay_password`. */
export function secretsIn(settings: Settings): string[] {
  const values = settings as unknown as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const named = Object.entries(OPTIONS).flatMap(([section, { options }]) =>
    Object.entries(options)
      .filter(([name, { isSecret }]) => isSecret && values[section]?.[camelCase(name)] !== null)
      .map(([name]) => `${section}.${name}`),
  );
  const relays = settings.relays.filter(({ password }) => password !== null);
  return [...named, ...relays.map(({ section }) => `${section}.password`)];
}
