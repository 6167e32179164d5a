// Reads the UCI file of this host into checked settings, and changes single options.

import { dirname } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { formatUci } from '../../uci/document.ts';
import { ensureSection, setOption } from '../../uci/edit.ts';
import { parseUci } from '../../uci/parse.ts';
import {
  checkSettings,
  formatProblem,
  formatProblems,
  type SettingsCheck,
} from './check-settings.ts';
import { OPTIONS } from './options.ts';
import type { Settings } from './settings.ts';

/** The settings or all problems of the file. Throws CONFIG_INVALID if the file does not exist. */
export async function checkUciFile(host: Host, file: string): Promise<SettingsCheck> {
  const text = await host.files.read(file);
  if (text === null) {
    throw new MailctlError('CONFIG_INVALID', `the UCI file ${file} does not exist`, {
      hint: 'mailctl init   (writes it; --config FILE names another one)',
    });
  }
  return checkSettings(text, file);
}

/** Throws CONFIG_INVALID with every problem, its file and line. */
export async function readSettings(host: Host, file: string): Promise<Settings> {
  const { settings, problems } = await checkUciFile(host, file);
  if (settings === null || problems.length > 0) {
    throw new MailctlError('CONFIG_INVALID', formatProblems(problems), {
      hint: 'mailctl config check',
    });
  }
  return settings;
}

/** One line for each option of a valid file that does not do what it says. */
export async function readNotices(host: Host, file: string): Promise<string[]> {
  return (await checkUciFile(host, file)).notices.map(formatProblem);
}

/** Held from reading the file to writing it, so that no edit of another mailctl is lost. */
export function uciLock(file: string): string {
  return `/var/run/mailserver/uci${file.replaceAll('/', '-')}.lock`;
}

const EDIT_WAIT_MS = 10_000;

/**
 * Replaces the text of the file and keeps its owner and mode; a new file is for root alone, since it may contain
 * passwords. Throws LOCKED.
 * @param edit gets null for a missing file; its `text` is written unless it is the present one
 */
export async function editUciFile<T extends { readonly text: string }>(
  host: Host,
  file: string,
  edit: (text: string | null) => T | Promise<T>,
): Promise<T> {
  const lock = {
    ...{ path: uciLock(file), holder: 'mailctl', wait: EDIT_WAIT_MS },
    onlyToWrite: true as const,
  };
  return host.locks.hold(lock, async () => {
    const before = await host.files.read(file);
    const edited = await edit(before);
    if (edited.text === before) return edited;
    const stat = await host.files.stat(file);
    const folder = dirname(file);
    if ((await host.files.stat(folder)) === null) {
      await host.files.makeDirectory(folder, { mode: 0o755 });
    }
    const owner = { uid: stat?.uid ?? 0, gid: stat?.gid ?? 0 };
    await host.files.replace(file, edited.text, { mode: stat?.mode ?? 0o600, owner });
    return edited;
  });
}

async function setEnabled(
  host: Host,
  file: string,
  { section, value }: { section: 'main' | 'report' | 'web' | 'mesh'; value: '0' | '1' },
): Promise<void> {
  await editUciFile(host, file, (text) => {
    const { type } = OPTIONS[section];
    // an optional section may be absent: its defaults apply
    const document = ensureSection(parseUci(text ?? '').document, { name: section, type });
    return { text: formatUci(setOption(document, { section, option: 'enabled' }, value)) };
  });
}

/** Sets main.enabled, so that the server also starts after a boot. True if it was 0. */
export async function enableInUci(host: Host, file: string, settings: Settings): Promise<boolean> {
  if (settings.main.enabled) return false;
  await setEnabled(host, file, { section: 'main', value: '1' });
  return true;
}

export async function disableInUci(host: Host, file: string, settings: Settings): Promise<void> {
  if (settings.main.enabled) await setEnabled(host, file, { section: 'main', value: '0' });
}

/** Sets `<section>.enabled`; true if it has changed. */
export async function switchSection(
  host: Host,
  file: string,
  wanted: { settings: Settings; section: 'report' | 'mesh'; on: boolean },
): Promise<boolean> {
  const { settings, section, on } = wanted;
  if (settings[section].enabled === on) return false;
  await setEnabled(host, file, { section, value: on ? '1' : '0' });
  return true;
}

/** Sets or clears web.enabled. True if it has changed. */
export async function switchWeb(
  host: Host,
  file: string,
  wanted: { settings: Settings; on: boolean },
): Promise<boolean> {
  if (wanted.settings.web.enabled === wanted.on) return false;
  await setEnabled(host, file, { section: 'web', value: wanted.on ? '1' : '0' });
  return true;
}
