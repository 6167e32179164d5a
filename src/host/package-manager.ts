// The package manager of this host, for hints that can be typed here.

import type { Host } from './host.ts';

/** Names of the packages that a hint is about. */
interface Packages {
  readonly debian: string;
  readonly openwrt: string;
}

/** The command that installs the packages; their names on a host without a known package manager. */
export function installCommand({ programs }: Host, { debian, openwrt }: Packages): string {
  // OpenWrt 25.12 has apk instead of opkg
  if (programs.exists('apk')) return `apk update && apk add ${openwrt}`;
  if (programs.exists('opkg')) return `opkg update && opkg install ${openwrt}`;
  if (programs.exists('apt-get')) return `apt-get install ${debian}`;
  return `install the packages ${openwrt}   (Debian: ${debian})`;
}
