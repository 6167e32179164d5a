// What to install where nftables refuses the filter of the container's interface.

import type { Host } from '../../host/host.ts';
import { isOpenWrt } from '../container/preflight.ts';

export async function moduleHint(host: Host): Promise<string> {
  if (!(await isOpenWrt(host))) return 'apt-get install nftables, then: mailctl restart';
  const install = host.programs.exists('apk') ? 'apk add' : 'opkg update && opkg install';
  return `${install} kmod-nft-netdev, then: mailctl restart`;
}
