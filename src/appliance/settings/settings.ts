// The settings of the UCI file, checked and complete: every option has a value of its type.
// Option names are in camelCase; null means not set or disabled; sizes are in bytes, durations
// in seconds.

import type { SettingsOf } from './option.ts';
import type { OPTIONS } from './options.ts';
import type { Relay } from './relay-section.ts';

/**
 * `main.hostname` is fully qualified and `main.postmaster` a complete address, even if the file has
 * only a label or a local part; `network.publish` is 'all', or a possibly empty list of the addresses
 * on which the ports are published.
 */
export interface Settings extends SettingsOf<typeof OPTIONS> {
  /** Relayhosts by sender domain; `smtp.relayhost` is for all other mail. */
  readonly relays: readonly Relay[];
}
