// Settings → the text of every file in the container. Pure: the same input gives the same bytes.
// Refuses an unknown placeholder, a value that no template uses, and a value that could change the meaning of its
// line: operator input cannot inject configuration.

import type { Settings } from '../settings/settings.ts';
import { clamavValues } from './clamav.ts';
import { dovecotValues } from './dovecot.ts';
import type { Facts } from './facts.ts';
import { fail2banValues } from './fail2ban.ts';
import type { ManagedFile } from './managed-file.ts';
import { managedFiles } from './manifest.ts';
import { opendkimValues } from './opendkim.ts';
import { postfixValues } from './postfix.ts';
import { postsrsdValues } from './postsrsd.ts';
import { rspamdValues } from './rspamd.ts';
import { systemValues } from './system.ts';
import { unboundValues } from './unbound.ts';
import { valkeyValues } from './valkey.ts';

export interface RenderedFile {
  readonly file: ManagedFile;
  readonly text: string;
}

/** Operators' additions by name below `custom/`, such as `postfix-main.cf`. */
export type CustomFiles = Readonly<Record<string, string>>;

export type Values = Readonly<Record<string, string>>;

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;
// Control characters can end or hide a line in every rendered format.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern refuses these characters
const UNSAFE = /[\u0000-\u001f\u007f]/;

function valueGroups(settings: Settings, facts: Facts): readonly Values[] {
  return [
    systemValues(settings, facts),
    postfixValues(settings, facts),
    postsrsdValues(settings, facts),
    dovecotValues(settings, facts),
    rspamdValues(settings, facts),
    opendkimValues(settings, facts),
    unboundValues(settings, facts),
    valkeyValues(settings, facts),
    fail2banValues(settings, facts),
    clamavValues(settings, facts),
  ];
}

/** Throws when two groups disagree, or a value could change the meaning of its line. */
export function mergeValues(groups: readonly Values[]): Values {
  const values: Record<string, string> = {};
  for (const [name, value] of groups.flatMap((group) => Object.entries(group))) {
    if (values[name] !== undefined && values[name] !== value) {
      throw new Error(`two daemons give the placeholder ${name} different values`);
    }
    if (UNSAFE.test(value)) throw new Error(`the value of ${name} has a control character`);
    values[name] = value;
  }
  return values;
}

/** Fills in the placeholders of one template. Throws on a placeholder that has no value. */
export function renderTemplate(path: string, template: string, values: Values): string {
  return template.replace(PLACEHOLDER, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${path} has the unknown placeholder {{${name}}}`);
    return value;
  });
}

/** The names of all placeholders that the templates use. */
function usedPlaceholders(templates: Readonly<Record<string, string>>): Set<string> {
  const names = Object.values(templates).flatMap((text) =>
    [...text.matchAll(PLACEHOLDER)].map((match) => match[1] ?? ''),
  );
  return new Set(names);
}

export interface RenderInput {
  readonly settings: Settings;
  readonly facts: Facts;
  readonly templates: Readonly<Record<string, string>>;
  readonly custom: CustomFiles;
}

/** Renders every managed file of the mail container that these settings include, in manifest order. */
export function renderFiles(input: RenderInput): RenderedFile[] {
  return renderSet(managedFiles, mergeValues(valueGroups(input.settings, input.facts)), input);
}

/** Renders those of `files` that the settings include. */
export function renderSet(
  files: readonly ManagedFile[],
  values: Values,
  input: Omit<RenderInput, 'facts'>,
): RenderedFile[] {
  const used = usedPlaceholders(input.templates);
  const unused = Object.keys(values).filter((name) => !used.has(name));
  if (unused.length > 0) throw new Error(`no template uses ${unused.join(', ')}`);
  return files
    .filter((file) => file.when?.(input.settings) ?? true)
    .map((file) => ({ file, text: renderFile(file, values, input) }));
}

/**
 * main.cf without the parameters that the addition sets: every Postfix process warns about a duplicate parameter.
 * A line that begins with a space continues the one before (postconf(5)).
 */
export function withoutOverridden(text: string, addition: string): string {
  const names = new Set([...addition.matchAll(/^(\w+)\s*=/gm)].map((match) => match[1]));
  let dropping = false;
  const kept = text.split('\n').filter((line) => {
    if (!/^\s/.test(line)) dropping = names.has(/^(\w+)\s*=/.exec(line)?.[1]);
    return !dropping;
  });
  return kept.join('\n');
}

function renderFile(file: ManagedFile, values: Values, input: Omit<RenderInput, 'facts'>): string {
  const template = input.templates[file.path];
  if (template === undefined)
    throw new Error(`the manifest names ${file.path}, which has no template`);
  const rows = file.rows?.(input.settings) ?? [];
  if (rows.some((row) => UNSAFE.test(row))) {
    throw new Error(`a row of ${file.path} has a control character`);
  }
  const text = [renderTemplate(file.path, template, values), ...rows.map((row) => `${row}\n`)].join(
    '',
  );
  const addition = file.append === undefined ? undefined : input.custom[file.append];
  if (addition === undefined) return text;
  const ours = file.path.endsWith('/main.cf') ? withoutOverridden(text, addition) : text;
  return `${ours.trimEnd()}\n\n${addition.trimEnd()}\n`;
}
