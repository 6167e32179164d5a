// Bans of the container's fail2ban in the sets of the router's firewall, so that banned strangers do not get as far as
// the container. The container bans by itself too; this copy follows within minutes.

import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { networkInUse } from '../container/host-part.ts';
import { queryBridge } from '../container/network-apply.ts';
import { listBans } from '../mail/fail2ban.ts';
import {
  type BanList,
  banList,
  parseElements,
  planSet,
  renderSetChange,
  type SetChange,
} from './ban-list.ts';
import { FW4 } from './live.ts';
import { banSet } from './sections.ts';

const VERSIONS = [4, 6] as const;

type Version = (typeof VERSIONS)[number];

/** Null while the set is not loaded. */
async function readSet(host: Host, target: Appliance, version: Version) {
  if (!host.programs.exists('nft')) return null;
  const name = banSet(target.settings, version);
  const list = ['nft', 'list', 'set', ...FW4, name];
  const { stdout } = await host.programs.query(list, { accept: [1] });
  return stdout.includes(`set ${name} {`) ? parseElements(stdout) : null;
}

/** Every address of this host, without prefix lengths. */
async function ownAddresses(host: Host): Promise<readonly string[]> {
  const { stdout } = await host.programs.query(['ip', '-o', 'addr', 'show']);
  return [...stdout.matchAll(/ inet6? (\S+)/g)].map(([, cidr = '']) => bareAddress(cidr));
}

/** The networks of the bridge, every address of this host, the container itself and fail2ban.ignore. */
async function exemptNetworks(host: Host, { settings, paths }: Appliance): Promise<string[]> {
  const { addresses, addresses6 } = await queryBridge(
    host,
    settings.network.bridge,
    settings.network.vlan,
  );
  const network = await networkInUse(host, paths);
  const own = [network?.address, network?.address6].flatMap((cidr) => cidr ?? []);
  const { ignore } = settings.fail2ban;
  return [
    ...ignore,
    ...addresses,
    ...addresses6,
    ...(await ownAddresses(host)),
    ...own.map(bareAddress),
  ];
}

export interface BanPlan {
  readonly bans: BanList;
  readonly sets: readonly { readonly version: Version; readonly change: SetChange }[];
}

/** Null when there is nothing to follow: no set in the firewall, fail2ban off, or the container does not run. */
export async function planBans(host: Host, target: Appliance): Promise<BanPlan | null> {
  if (!target.settings.features.fail2ban || !host.programs.exists('lxc-info')) return null;
  const present = new Map<Version, readonly string[]>();
  for (const version of VERSIONS) {
    const elements = await readSet(host, target, version);
    if (elements !== null) present.set(version, elements);
  }
  if (present.size === 0 || !(await isRunning(host, containerRef(target)))) return null;
  const banned = await listBans(host, target);
  const exempt = await exemptNetworks(host, target);
  const bans = banList(
    banned.map(({ address }) => address),
    exempt,
  );
  const sets = [...present].map(([version, elements]) => ({
    version,
    change: planSet(elements, bans[version]),
  }));
  return { bans, sets };
}

/** True when the sets differ from the container's list. */
export async function bansDiffer(host: Host, target: Appliance): Promise<boolean> {
  const plan = await planBans(host, target);
  return plan?.sets.some(({ change }) => change.add.length + change.remove.length > 0) ?? false;
}

async function applyBans(host: Host, target: Appliance, plan: BanPlan): Promise<void> {
  const script = plan.sets
    .map(({ version, change }) =>
      renderSetChange(`${FW4.join(' ')} ${banSet(target.settings, version)}`, change),
    )
    .join('');
  if (script !== '') await host.programs.run(['nft', '-f', '-'], { input: script });
}

/** Null as for `planBans`. Throws PROGRAM_FAILED. */
export async function followBans(host: Host, target: Appliance): Promise<BanPlan | null> {
  const plan = await planBans(host, target);
  if (plan !== null) await applyBans(host, target, plan);
  return plan;
}
