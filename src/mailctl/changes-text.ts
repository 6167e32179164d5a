// Changes of the appliance as text: one line each, and a diff where a file's text changes.

import type { ChalkInstance } from 'chalk';
import { createTwoFilesPatch } from 'diff';
import type { Change } from '../appliance/apply/changes.ts';
import type { Planned } from './output.ts';

const SIGN = { add: '+', change: '~', remove: '-' } as const;

/** `reload postfix`, `restart opendkim`, `restart container` or `none`. */
function formatEffect(effect: Change['effect']): string {
  if ('reload' in effect) return `reload ${effect.reload}`;
  if ('restart' in effect) return `restart ${effect.restart}`;
  return 'restart_container' in effect ? 'restart container' : 'none';
}

/** The stable JSON shape of `plan` and `apply`. */
export function summarizeChanges(changes: readonly Change[]): object[] {
  return changes.map(({ what, name, action, effect }) => ({
    ...{ what, name, action },
    effect: formatEffect(effect),
  }));
}

function paintLine(line: string, paint: ChalkInstance): string {
  if (line.startsWith('+')) return paint.green(line);
  if (line.startsWith('-')) return paint.red(line);
  return line.startsWith('@@') ? paint.cyan(line) : line;
}

function describeChange(change: Change, paint: ChalkInstance): string[] {
  const title = `${SIGN[change.action]} ${change.what} ${change.name} (${formatEffect(change.effect)})`;
  if (change.action !== 'change' || change.before === undefined) return [paint.bold(title)];
  const patch = createTwoFilesPatch('', '', change.before, change.after ?? '', '', '', {
    context: 1,
  });
  const lines = patch.trimEnd().split('\n').slice(4);
  return [paint.bold(title), ...lines.map((line) => `    ${paintLine(line, paint)}`)];
}

export function describeChanges(changes: readonly Change[], paint: ChalkInstance): string[] {
  if (changes.length === 0) return ['nothing to change'];
  return changes.flatMap((change) => describeChange(change, paint));
}

/** The changes for a dry run: one line each, then the diffs. */
export function planOfChanges(changes: readonly Change[], paint: ChalkInstance): Planned {
  return {
    would: changes.map(
      ({ what, name, action, effect }) => `${action} ${what} ${name} (${formatEffect(effect)})`,
    ),
    details: changes.flatMap((change) => describeChange(change, paint)),
    data: { changes: summarizeChanges(changes) },
  };
}
