// Makes the container's network on the host what the plan says, and takes it away again. A bridge that
// mailctl made carries a mark, so that nobody else's is ever removed.

import { basename, dirname, join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import type { Paths } from '../paths.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type BridgePresent,
  type NetworkPlan,
  planNetwork,
  renderTable,
  TABLE_PREFIX,
  tableName,
} from './network.ts';

const MARK = 'made by mailctl';
const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
const FORWARDING6 = '/proc/sys/net/ipv6/conf/all/forwarding';

async function addressesOf(host: Host, bridge: string, family: '-4' | '-6'): Promise<string[]> {
  const show = ['ip', '-o', family, 'addr', 'show', 'dev', bridge, 'scope', 'global'];
  const { stdout } = await host.programs.query(show);
  return [...stdout.matchAll(/ inet6? (\S+)/g)].map((match) => match[1] ?? '');
}

/** What the host has under the bridge's name. */
export async function queryBridge(host: Host, bridge: string): Promise<BridgePresent> {
  const exists = (await host.files.stat(`/sys/class/net/${bridge}/bridge`)) !== null;
  if (!exists) {
    if ((await host.files.stat(`/sys/class/net/${bridge}`)) !== null) {
      throw new MailctlError(
        'HOST_UNFIT',
        `network.bridge ${bridge} is an interface, but no bridge`,
        {
          hint: 'uci set mailserver.network.bridge=<a bridge, as brctl show lists them>',
        },
      );
    }
    return { exists, ours: false, addresses: [], addresses6: [] };
  }
  const alias = await host.files.read(`/sys/class/net/${bridge}/ifalias`);
  return {
    exists,
    ours: alias?.trim() === MARK,
    addresses: await addressesOf(host, bridge, '-4'),
    addresses6: await addressesOf(host, bridge, '-6'),
  };
}

/** The network as UCI and the bridge of this host make it. Throws HOST_UNFIT. */
export async function desiredNetwork(host: Host, settings: Settings): Promise<NetworkPlan> {
  return planNetwork(settings, await queryBridge(host, settings.network.bridge));
}

async function makeBridge(host: Host, plan: NetworkPlan): Promise<void> {
  const { bridge, gateway, gateway6 } = plan;
  const ip = (...words: string[]) => host.programs.run(['ip', ...words]);
  const present = await queryBridge(host, bridge);
  if (!present.exists) await ip('link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0');
  // marked before it is used: a bridge left by a killed command is still known as ours
  if (!present.ours) await ip('link', 'set', bridge, 'alias', MARK);
  const own = `${gateway}/${plan.address.split('/')[1]}`;
  if (!present.addresses.includes(own)) await ip('addr', 'add', own, 'dev', bridge);
  const own6 = gateway6 === null ? null : `${gateway6}/${plan.address6?.split('/')[1]}`;
  if (own6 !== null && !present.addresses6.includes(own6)) {
    await ip('-6', 'addr', 'add', own6, 'dev', bridge, 'nodad');
  }
  await ip('link', 'set', bridge, 'up');
}

/** Shared by all appliances of the host: the last one to stop switches forwarding off again. */
function forwardingNote(paths: Paths, key: string): string {
  return join(dirname(paths.run), `was-off-${basename(key)}`);
}

/** Switches forwarding on, and remembers that it was off, so that `stop` can undo it. */
async function forward(host: Host, paths: Paths, key: string): Promise<void> {
  if ((await host.files.read(key))?.trim() !== '0') return;
  await host.files.replace(forwardingNote(paths, key), '0\n', { mode: 0o644 });
  await host.programs.run(['sysctl', '-q', '-w', `${key.slice('/proc/sys/'.length)}=1`]);
}

async function unforward(host: Host, paths: Paths, key: string): Promise<void> {
  const note = forwardingNote(paths, key);
  if ((await host.files.read(note)) === null) return;
  await host.programs.run(['sysctl', '-q', '-w', `${key.slice('/proc/sys/'.length)}=0`]);
  await host.files.remove(note);
}

/** Tells one table from another that was made from a different plan. */
export function networkMark(container: string, plan: NetworkPlan): string {
  return digestText(renderTable(container, plan)).slice(0, 16);
}

/** The bridge stands, and the ports are published where the bridge is ours. */
export async function applyNetwork(
  host: Host,
  paths: Paths,
  network: { container: string; plan: NetworkPlan },
): Promise<void> {
  const { container, plan } = network;
  if (!plan.makeBridge) return;
  await makeBridge(host, plan);
  await forward(host, paths, FORWARDING);
  if (plan.address6 !== null) await forward(host, paths, FORWARDING6);
  await host.programs.run(['nft', '-f', '-'], {
    input: renderTable(container, plan, networkMark(container, plan)),
  });
}

async function othersPublish(host: Host): Promise<boolean> {
  if (!host.programs.exists('nft')) return false;
  const { stdout } = await host.programs.query(['nft', 'list', 'tables', 'inet']);
  return stdout.includes(TABLE_PREFIX);
}

async function hasPorts(host: Host, bridge: string): Promise<boolean> {
  return (await host.files.list(`/sys/class/net/${bridge}/brif`)).length > 0;
}

/** Takes away what applyNetwork made. A bridge that another appliance still uses stays. */
export async function removeNetwork(
  host: Host,
  paths: Paths,
  network: { container: string; bridge: string },
): Promise<void> {
  const table = tableName(network.container);
  if (host.programs.exists('nft')) {
    const input = `table inet ${table}\ndelete table inet ${table}\n`;
    await host.programs.run(['nft', '-f', '-'], { input });
  }
  if (!(await othersPublish(host))) {
    await unforward(host, paths, FORWARDING);
    await unforward(host, paths, FORWARDING6);
  }
  const present = await queryBridge(host, network.bridge);
  if (present.ours && !(await hasPorts(host, network.bridge))) {
    await host.programs.run(['ip', 'link', 'del', network.bridge]);
  }
}

/** The appliance's table as nft shows it now, or null when it is absent. */
export async function queryTable(host: Host, container: string): Promise<string | null> {
  if (!host.programs.exists('nft')) return null;
  const list = ['nft', 'list', 'table', 'inet', tableName(container)];
  const { stdout, status } = await host.programs.query(list, { accept: [1] });
  return status === 0 ? stdout : null;
}
