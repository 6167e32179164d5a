// One appliance: its UCI settings and its paths. Functions with effects take it as the second parameter,
// after the Host. The web container of an appliance is described by a value of the same type (webmail/web-container.ts), so
// that everything in container/ works for both.

import type { Paths } from './paths.ts';
import type { Destination } from './settings/networks.ts';
import type { Settings } from './settings/settings.ts';

export interface Appliance {
  readonly settings: Settings;
  readonly paths: Paths;
  /** Absent for the mail container. */
  readonly shape?: ContainerShape;
}

/** How a container differs from the mail server's. */
export interface ContainerShape {
  /** The variant of its image. */
  readonly variant: 'web';
  /** The TCP ports that it serves. */
  readonly ports: readonly number[];
  /** The connections that it opens; none but these. */
  readonly destinations: readonly Destination[];
  readonly folders: readonly BoundFolder[];
}

/** A folder of the host in a container: programs of it may be run, files only read, or written too. */
export interface BoundFolder {
  readonly from: string;
  /** Without the leading slash. */
  readonly to: string;
  readonly access: 'execute' | 'read' | 'write';
}
