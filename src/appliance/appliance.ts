// One appliance: what UCI asks for, and where everything of it is. Nearly every function that touches the world
// takes it right after the Host.

import type { Paths } from './paths.ts';
import type { Settings } from './settings/settings.ts';

export interface Appliance {
  readonly settings: Settings;
  readonly paths: Paths;
}
