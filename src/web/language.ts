// The language of a page: the first that the browser asks for and that there is; English otherwise. Pure.

import { parseAccept } from 'hono/utils/accept';
import { en, type Texts } from './texts/en.ts';
import { fr } from './texts/fr.ts';
import { zh } from './texts/zh.ts';

const LANGUAGES: readonly Texts[] = [en, fr, zh];
const MAX_HEADER = 500;

/** @param header Accept-Language (RFC 9110 12.5.4) */
export function chooseTexts(header: string | undefined): Texts {
  const wanted = parseAccept((header ?? '').slice(0, MAX_HEADER))
    .filter(({ q }) => q > 0)
    .sort((one, other) => other.q - one.q);
  for (const { type } of wanted) {
    const [primary = ''] = type.toLowerCase().split('-');
    const found = LANGUAGES.find(({ language }) => language === primary);
    if (found !== undefined) return found;
  }
  return en;
}

/** The text with its names in braces replaced. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
