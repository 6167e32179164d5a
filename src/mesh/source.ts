// What goes into a backup: named folders and files of this host. src/mesh knows nothing of the appliance; a command
// makes this list.

export interface Source {
  /** First folder inside the archive: `mail`, `config`, `uci`. */
  readonly name: string;
  /** Absolute path of a folder or file on this host. */
  readonly path: string;
  /**
   * `maildir`: messages in `cur/` and `new/` never change and are known by their base name. `files`: saved again when
   * changed. `queue`: as files, and an entry that disappears meanwhile has been delivered.
   */
  readonly kind: 'maildir' | 'files' | 'queue';
  /** A source that must exist; without it, a disk that is not mounted would count as deleted mail. */
  readonly required: boolean;
  /** True when the entry (names below `path`) is derived from others and is not saved. */
  readonly leaveOut: (parts: readonly string[]) => boolean;
}
