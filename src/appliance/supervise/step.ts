// What `mailctl serve` does next with the container, and when it tries again. Pure.

/** The host's end of the container's veth: `detached` can be attached now, `gone` needs a new container. */
export type Port = 'attached' | 'detached' | 'no bridge' | 'gone';

/** The container and its host as `mailctl serve` sees them. */
export interface Sight {
  /** It should run: main.enabled is 1, and no `mailctl stop` keeps it stopped. */
  readonly wanted: boolean;
  readonly running: boolean;
  /** What is missing for a start, a sentence; null when nothing is known to be. */
  readonly lack: string | null;
  readonly port: Port;
  /** The UCI file has been reloaded and differs from the settings in use. */
  readonly behind: boolean;
}

export type Step = 'start' | 'stop' | 'attach' | 'apply' | null;

export function nextStep(sight: Sight): Step {
  const { wanted, running, lack, port, behind } = sight;
  if (!wanted) return running ? 'stop' : null;
  if (!running) return lack === null ? 'start' : null;
  if (port === 'detached') return 'attach';
  if (port === 'no bridge') return null;
  return behind || port === 'gone' ? 'apply' : null;
}

const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

/** Milliseconds from one attempt to the next. @param attempts so far, at least one */
export function retryPause(attempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 10), LONGEST_PAUSE_MS);
}

/** Milliseconds to wait before the next attempt. A longer pause than any comes from a clock that was ahead. */
export function remaining(notBefore: number, now: number): number {
  const left = notBefore - now;
  return left > LONGEST_PAUSE_MS ? 0 : Math.max(left, 0);
}
