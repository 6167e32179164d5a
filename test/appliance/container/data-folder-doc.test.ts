// docs/data-folder.md names every path of an appliance and every state file.

import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ORDER } from '../../../src/appliance/acme/order.ts';
import { ACME_STATE } from '../../../src/appliance/acme/state.ts';
import { PEERS } from '../../../src/appliance/backup/peers.ts';
import { RECOVERY } from '../../../src/appliance/backup/recovery.ts';
import { BACKUP_STATE } from '../../../src/appliance/backup/state.ts';
import { dataDirectories } from '../../../src/appliance/container/data-folders.ts';
import { CURRENT_HOST_PART } from '../../../src/appliance/container/host-part.ts';
import { RESTORE_JOURNAL } from '../../../src/appliance/container/restore-journal.ts';
import { DKIM_STATE } from '../../../src/appliance/dkim/state.ts';
import { DNS_STATE } from '../../../src/appliance/dns/publish/state.ts';
import { LAST_REPORT } from '../../../src/appliance/doctor/report-state.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { SCHEDULE } from '../../../src/appliance/schedule/state.ts';
import { INVITATIONS } from '../../../src/appliance/self-service/invitations.ts';
import { SESSIONS } from '../../../src/appliance/self-service/sessions.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { NOTICES } from '../../../src/appliance/tls/notices.ts';

const PROJECT = join(import.meta.dir, '../../..');
const SOURCE = join(PROJECT, 'src');
const paths = appliancePaths(defaultSettings());
const BASES = [paths.container, '/var/run/mailserver', paths.data];

/** What stands below each heading, by the folder that it names; the rest below ''. */
const sections = new Map(
  readFileSync(join(PROJECT, 'docs/data-folder.md'), 'utf8')
    .split(/^## /m)
    .map((text) => [/^Below `([^`]+)`/.exec(text)?.[1] ?? '', text] as const),
);

const STATE_FILES = [
  ...[ORDER, ACME_STATE, CURRENT_HOST_PART, DKIM_STATE, DNS_STATE, LAST_REPORT, SCHEDULE, NOTICES],
  ...[PEERS, RECOVERY, BACKUP_STATE, RESTORE_JOURNAL],
  ...[INVITATIONS, SESSIONS],
].map((file) => file.path(paths));

/** Paths that the first cell of a row names, whole. */
function rowsOf(text: string): Map<string, string> {
  const rows = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, first = '', owner = ''] = line.split('|').map((cell) => cell.trim());
    for (const [, path = ''] of first.matchAll(/`([^`]+)`/g))
      rows.set(path.replace(/\/$/, ''), owner);
  }
  return rows;
}

/** The cell with owner and mode, or undefined for a path without a row. */
function rowOf(path: string): string | undefined {
  const base = BASES.find((one) => path.startsWith(`${one}/`));
  if (base === undefined) {
    return [...sections.values()].map((text) => rowsOf(text).get(path)).find((row) => row);
  }
  return rowsOf(sections.get(base) ?? '').get(relative(base, path));
}

test('every path of an appliance has a row', () => {
  const roots = [paths.data, paths.lxc];
  const text = [...sections.values()].join('');
  expect(roots.filter((path) => !text.includes(`\`${path}\``))).toEqual([]);
  const wanted = Object.entries(paths).filter(([, path]) => !roots.includes(path));

  expect(wanted.filter(([, path]) => rowOf(path) === undefined)).toEqual([]);
  expect([...sections.keys()].filter(Boolean).sort()).toEqual([...BASES].sort());
});

test('every state file has a row, and this test knows every state file', () => {
  const declared = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [
      ...readFileSync(join(SOURCE, name), 'utf8').matchAll(
        /\): StateFile<|^export const \w+: StateFile</gm,
      ),
    ]);

  expect(STATE_FILES.filter((path) => rowOf(path) === undefined)).toEqual([]);
  expect(declared).toHaveLength(STATE_FILES.length);
});

test('the modes of the data folders are the documented ones', () => {
  const wrong = dataDirectories(paths)
    .filter(({ path }) => path !== paths.data)
    .filter(({ path, mode }) => !rowOf(path)?.endsWith(` 0${mode.toString(8)}`));

  expect(wrong).toEqual([]);
});
