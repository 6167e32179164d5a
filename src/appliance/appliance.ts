// One appliance: its UCI settings and its paths. Functions with effects take it as the second parameter,
// after the Host.

import type { Paths } from './paths.ts';
import type { Settings } from './settings/settings.ts';

export interface Appliance {
  readonly settings: Settings;
  readonly paths: Paths;
}
