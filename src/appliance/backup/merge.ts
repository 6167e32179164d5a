// Which files of one mail folder are added to another: messages that it does not have, by their base names, and mail
// folders that it does not have, whole. Pure.

import type { MergeRule } from '../../host/untrusted-merge.ts';
import { leaveOutOfMail, QUEUE_FOLDERS } from './sources.ts';

/** The name of a message without its flags; it never changes. */
export const baseName = (name: string): string => name.split(':2,', 1)[0] ?? name;

/** Letters of keywords stand for lines of `dovecot-keywords`, which differ from folder to folder. */
function withoutKeywords(name: string): string {
  const [base = name, flags] = name.split(':2,');
  return flags === undefined ? name : `${base}:2,${flags.replace(/[a-z]/g, '')}`;
}

export interface WantedMail {
  /** Domain and local part of one mailbox; null for all. */
  readonly mailbox: readonly [string, string] | null;
  /** By its base name. */
  readonly isWanted: (message: string) => boolean;
}

export const ALL_MAIL: WantedMail = { mailbox: null, isWanted: () => true };

/** For `mail/`. Messages get new UIDs in folders that exist, and keep theirs in folders that do not. */
export function mergeMail({ mailbox, isWanted }: WantedMail): MergeRule {
  return ({ parts, names, isNew, beside }) => {
    const [domain, local, ...inner] = parts;
    if (local === undefined) return new Map();
    if (mailbox !== null && (mailbox[0] !== domain || mailbox[1] !== local)) return new Map();
    const last = inner.at(-1);
    if (last === 'cur' || last === 'new') {
      const known = new Set([...beside('cur'), ...beside('new')].map(baseName));
      const missing = names.filter(
        (name) => !known.has(baseName(name)) && isWanted(baseName(name)),
      );
      return new Map(missing.map((name) => [name, isNew ? name : withoutKeywords(name)]));
    }
    if (!isNew || last === 'tmp') return new Map();
    return new Map(
      names.filter((name) => !leaveOutOfMail([...parts, name])).map((name) => [name, name]),
    );
  };
}

/** For `queue/`: mail that waits. A name is a queue ID, which contains the time and is unique. */
export const mergeQueue: MergeRule = ({ parts, names, beside }) => {
  if (!QUEUE_FOLDERS.includes(parts[0] ?? '')) return new Map();
  const known = new Set(beside(parts.at(-1) ?? ''));
  return new Map(names.filter((name) => !known.has(name)).map((name) => [name, name]));
};
