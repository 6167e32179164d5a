// The configuration templates of both containers and the recipe of their images, embedded in the binary.

import { readRecipe, readTemplates } from './templates.macro.ts' with { type: 'macro' };

export const templates: Readonly<Record<string, string>> = readTemplates('mail');
/** Without those that both containers share (./web.ts). */
export const webTemplates: Readonly<Record<string, string>> = readTemplates('web');
export const recipe: Readonly<Record<string, string>> = readRecipe();
