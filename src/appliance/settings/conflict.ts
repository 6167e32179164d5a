// A conflict between options that are valid separately.

export interface Conflict {
  /** As `section.option`; the first one that the file sets is shown with its line. */
  readonly options: readonly [string, ...string[]];
  readonly message: string;
}
