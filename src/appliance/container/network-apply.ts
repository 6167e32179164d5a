// Converges the host's network to the plan, and removes it again. A bridge of mailctl carries a mark, so that
// a foreign bridge is never removed.

import { basename, dirname, join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Paths } from '../paths.ts';
import { renderTable } from './inet-table.ts';
import { type BridgePresent, type NetworkPlan, TABLE_PREFIX, tableName } from './network.ts';
import { loadTable, type NftTable, removeTable, tryTable } from './nft-tables.ts';
import { type BridgeVlans, parseVlanDevices, portVlan } from './vlan.ts';

const MARK = 'made by mailctl';
export const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
export const FORWARDING6 = '/proc/sys/net/ipv6/conf/all/forwarding';

async function addressesOf(host: Host, bridge: string, family: '-4' | '-6'): Promise<string[]> {
  const show = ['ip', '-o', family, 'addr', 'show', 'dev', bridge, 'scope', 'global'];
  const { stdout } = await host.programs.query(show);
  // a deprecated prefix will be removed (RFC 4862 5.5.4)
  const lines = stdout.split('\n').filter((line) => !/ deprecated\b/.test(line));
  return lines.flatMap((line) => / inet6? (\S+)/.exec(line)?.[1] ?? []);
}

/** The VLANs of a bridge; null for one that filters none, or is missing. */
export async function queryVlans(host: Host, bridge: string): Promise<BridgeVlans | null> {
  const folder = `/sys/class/net/${bridge}/bridge`;
  if ((await host.files.read(join(folder, 'vlan_filtering')))?.trim() !== '1') return null;
  const devices = (await host.files.read('/proc/net/vlan/config')) ?? '';
  const defaultId = Number((await host.files.read(join(folder, 'default_pvid')))?.trim() ?? 0);
  return { defaultId, devices: parseVlanDevices(devices, bridge) };
}

/**
 * The host's bridge of this name. Throws HOST_UNFIT for an interface of another kind.
 * @param vlan of the container (network.vlan): the host's addresses there are those of the VLAN device, if it has one
 */
export async function queryBridge(
  host: Host,
  bridge: string,
  vlan: number | null = null,
): Promise<BridgePresent> {
  const exists = (await host.files.stat(`/sys/class/net/${bridge}/bridge`)) !== null;
  if (!exists) {
    if ((await host.files.stat(`/sys/class/net/${bridge}`)) !== null) {
      throw new MailctlError(
        'HOST_UNFIT',
        `network.bridge ${bridge} is an interface, but not a bridge`,
        {
          hint: 'mailctl set network.bridge <a bridge: ls -d /sys/class/net/*/bridge>',
        },
      );
    }
    return { exists, ours: false, addresses: [], addresses6: [], mtu: null, vlans: null };
  }
  const alias = await host.files.read(`/sys/class/net/${bridge}/ifalias`);
  const mtu = await host.files.read(`/sys/class/net/${bridge}/mtu`);
  const vlans = await queryVlans(host, bridge);
  const device = portVlan({ bridge, vlan }, vlans)?.device ?? bridge;
  return {
    exists,
    ours: alias?.trim() === MARK,
    addresses: await addressesOf(host, device, '-4'),
    addresses6: await addressesOf(host, device, '-6'),
    mtu: mtu === null ? null : Number(mtu.trim()),
    vlans,
  };
}

/** CIDR addresses of the host on a bridge of mailctl. */
export function ownAddresses(plan: NetworkPlan): { own: string; own6: string | null } {
  const { gateway, gateway6, address, address6 } = plan;
  const own6 = gateway6 === null ? null : `${gateway6}/${address6?.split('/')[1]}`;
  return { own: `${gateway}/${address.split('/')[1]}`, own6 };
}

async function makeBridge(host: Host, plan: NetworkPlan): Promise<void> {
  const { bridge } = plan;
  const { own, own6 } = ownAddresses(plan);
  const ip = (...words: string[]) => host.programs.run(['ip', ...words]);
  const present = await queryBridge(host, bridge);
  if (!present.exists) await ip('link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0');
  // marked first, so that mailctl also owns the bridge of a killed command
  if (!present.ours) await ip('link', 'set', bridge, 'alias', MARK);
  if (!present.addresses.includes(own)) await ip('addr', 'add', own, 'dev', bridge);
  if (own6 !== null && !present.addresses6.includes(own6)) {
    await ip('-6', 'addr', 'add', own6, 'dev', bridge, 'nodad');
  }
  await ip('link', 'set', bridge, 'up');
}

/** Shared by all appliances of the host: the last one to stop disables forwarding again. */
function forwardingMark(paths: Paths, key: string): string {
  return join(dirname(paths.run), `was-off-${basename(key)}`);
}

/** Enables forwarding, and records that it was off, so that `stop` can undo it. */
async function forward(host: Host, paths: Paths, key: string): Promise<void> {
  if ((await host.files.read(key))?.trim() !== '0') return;
  await host.files.replace(forwardingMark(paths, key), '0\n', { mode: 0o644 });
  await host.programs.run(['sysctl', '-q', '-w', `${key.slice('/proc/sys/'.length)}=1`]);
}

async function unforward(host: Host, paths: Paths, key: string): Promise<void> {
  const mark = forwardingMark(paths, key);
  if ((await host.files.read(mark)) === null) return;
  await host.programs.run(['sysctl', '-q', '-w', `${key.slice('/proc/sys/'.length)}=0`]);
  await host.files.remove(mark);
}

/** Publishes the ports on a bridge of mailctl, and keeps the container away from the host. */
export function inetTable(container: string, plan: NetworkPlan): NftTable {
  return { family: 'inet', name: tableName(container), script: renderTable(container, plan) };
}

/** Creates the bridge and publishes the ports, neither on a foreign bridge; keeps the container away from the host. */
export async function applyNetwork(
  host: Host,
  paths: Paths,
  network: { container: string; plan: NetworkPlan },
): Promise<void> {
  const { container, plan } = network;
  const table = inetTable(container, plan);
  if (!plan.makeBridge) {
    const refusal = await tryTable(host, paths, table);
    if (refusal === null) return;
    return host.say(`the container is not kept away from this host's own services: ${refusal}`);
  }
  await makeBridge(host, plan);
  await forward(host, paths, FORWARDING);
  if (plan.address6 !== null) await forward(host, paths, FORWARDING6);
  await loadTable(host, paths, table);
}

async function hasOtherTables(host: Host, container: string): Promise<boolean> {
  if (!host.programs.exists('nft')) return false;
  const { stdout } = await host.programs.query(['nft', 'list', 'tables', 'inet']);
  const names = stdout.split(/\s+/).filter((word) => word.startsWith(TABLE_PREFIX));
  return names.some((name) => name !== tableName(container));
}

async function hasPorts(host: Host, bridge: string): Promise<boolean> {
  return (await host.files.list(`/sys/class/net/${bridge}/brif`)).length > 0;
}

/** For a container that has left mailctl's bridge; forwarding stays on while another appliance may need it. */
export async function endForwarding(host: Host, paths: Paths, container: string): Promise<void> {
  if (await hasOtherTables(host, container)) return;
  await unforward(host, paths, FORWARDING);
  await unforward(host, paths, FORWARDING6);
}

/** Removes a bridge of mailctl; one that another appliance still uses stays. */
export async function removeBridge(host: Host, bridge: string): Promise<void> {
  const present = await queryBridge(host, bridge);
  if (!present.ours || (await hasPorts(host, bridge))) return;
  await host.programs.run(['ip', 'link', 'del', bridge]);
}

/** Removes what `applyNetwork` created on these bridges. */
export async function removeNetwork(
  host: Host,
  paths: Paths,
  network: { container: string; bridges: readonly string[] },
): Promise<void> {
  await removeTable(host, { family: 'netdev', name: tableName(network.container) });
  await removeTable(host, { family: 'inet', name: tableName(network.container) });
  await endForwarding(host, paths, network.container);
  for (const bridge of network.bridges) await removeBridge(host, bridge);
}
