// A store keeps archives and manifests of one box: a peer, a folder or a bucket. It reads and understands nothing of
// them; what it answers is checked by the caller, since a store may lie.

export interface StoredFile {
  readonly name: string;
  readonly size: number;
  readonly modified: Date;
}

/** A complete file as its box knows it. */
export interface ArchiveFile {
  readonly name: string;
  readonly size: number;
  /** Hex SHA-256. */
  readonly sha256: string;
}

export interface ByteRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Called with the bytes of the file that have been transferred, including those of earlier attempts. */
export type Progress = (bytes: number) => void;

/**
 * Every method throws PEER_AWAY (not reachable now), PEER_REFUSED (it says no, or answers nonsense), and PEER_CHANGED
 * (it has another key).
 */
export interface ArchiveStore {
  /** For messages: `peer 1a2b…`, `folder /mnt/usb/mail`, `bucket s3://name`. */
  readonly label: string;
  /** Complete files only. */
  list(): Promise<readonly StoredFile[]>;
  /**
   * Sends the file at `path`, resuming an earlier attempt. It is durable when this returns, and was complete for the
   * receiver only after its hash was checked. No change when the store has this very file.
   */
  put(file: ArchiveFile & { readonly path: string }, progress?: Progress): Promise<void>;
  /** Writes the file to `path` when its hash is right, else throws ARCHIVE_INVALID. Resumes in `<path>.part`. */
  get(file: ArchiveFile, path: string, progress?: Progress): Promise<void>;
  /** A small file whose hash is not known; its signature is for the caller to check. Throws PEER_REFUSED beyond `limit`. */
  read(name: string, limit: number): Promise<Uint8Array>;
  /** Hex SHA-256 of the nonce followed by the bytes of the range. */
  prove(name: string, range: ByteRange, nonce: Uint8Array): Promise<string>;
  /** Missing files are no error; refused inside the protected window. */
  remove(names: readonly string[]): Promise<void>;
  space(): Promise<{ readonly used: number; readonly quota: number | null }>;
}

/** Lower case, digits, dots and hyphens: safe in a path, in a URL and on a FAT disk. */
const NAME = /^[a-z0-9][a-z0-9.-]{0,99}$/;

export function isStoreName(name: string): boolean {
  return NAME.test(name) && !name.endsWith('.part');
}

/** Largest range of a proof: bounds what one question costs a peer. */
export const MAX_PROOF_BYTES = 16 * 1024 * 1024;
/** Largest archive or manifest that a store takes. */
export const MAX_FILE_BYTES = 64 * 1024 ** 3;
