// The container's configuration templates and the image recipe, embedded in the binary.

import { readRecipe, readTemplates } from './templates.macro.ts' with { type: 'macro' };

export const templates: Readonly<Record<string, string>> = readTemplates();
export const recipe: Readonly<Record<string, string>> = readRecipe();
