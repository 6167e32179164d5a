// What the UCI file asks for, checked and complete: every option has a value of its proper type.
// Option names are in camelCase; null stands for "not set" or "switched off"; sizes are in bytes,
// durations in seconds.

import type { SettingsOf } from './option.ts';
import type { OPTIONS } from './options.ts';

/**
 * `main.hostname` is fully qualified and `main.postmaster` a whole address, whatever the file says;
 * `network.publish` is 'all', or the addresses on which the ports are published, perhaps none.
 */
export type Settings = SettingsOf<typeof OPTIONS>;
