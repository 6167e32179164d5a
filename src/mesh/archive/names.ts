// Names of messages and files. A name is a string with one character for each byte (Latin-1), as src/host/tree-reader.ts
// gives them. Pure.

const INFO = ':';

export type MaildirPlace = 'cur' | 'new';

/** A message of a Maildir: the base name identifies it, the rest changes with its flags. */
export interface MessageName {
  readonly base: string;
  /** Such as `cur/:2,S`. */
  readonly place: string;
}

export function parseMessageName(place: MaildirPlace, name: string): MessageName {
  const at = name.indexOf(INFO);
  const base = at < 0 ? name : name.slice(0, at);
  return { base, place: `${place}/${name.slice(base.length)}` };
}

/**
 * The path of a message below its Maildir. A second message with the base name of another one has its whole path as
 * base, and no place.
 */
export function messagePath({ base, place }: MessageName): string {
  if (place === '') return base;
  return `${place.slice(0, 4)}${base}${place.slice(4)}`;
}

/** For people and for tar: UTF-8 where the name is UTF-8; control characters and other bytes as %XX. */
export function shownName(name: string): string {
  const bytes = Uint8Array.from(name, (character) => character.charCodeAt(0));
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    text = name;
  }
  return text.replace(/[\p{Cc}\u0080-\u009f]|%(?=[0-9A-F]{2})/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
