// The machine this program runs on.

/** Debian's name of its architecture: amd64, arm64, … */
export function hostArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}
