// The desired state of the appliance, computed from UCI, this host and the image. Read-only.

import { join } from 'node:path';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress, ipv4Network } from '../../host/ip.ts';
import { queryMachineId } from '../../host/machine.ts';
import type { Appliance } from '../appliance.ts';
import { bridgeInUse } from '../container/bridge.ts';
import { queryCgroup } from '../container/cgroup.ts';
import { readCustomFiles } from '../container/data-folders.ts';
import { renderLxcConfig } from '../container/lxc-config.ts';
import { type NetworkPlan, planNetwork, webAddress } from '../container/network.ts';
import { renderSeccomp } from '../container/seccomp.ts';
import type { Paths } from '../paths.ts';
import { readProbePassword } from '../probe/secret.ts';
import type { Facts } from '../render/facts.ts';
import type { Daemon } from '../render/managed-file.ts';
import { type CustomFiles, type RenderedFile, renderFiles } from '../render/render.ts';
import { templates } from '../render/templates.ts';
import type { Settings } from '../settings/settings.ts';
import { readSrsSecrets } from '../srs/secret.ts';
import { type Generation, hostOwner } from './generation.ts';

/** @param bridgeNetworks the host's IPv4 addresses (CIDR) on a foreign bridge */
export function networkFacts(
  network: NetworkPlan,
  bridgeNetworks: readonly string[],
): Omit<Facts, 'probePassword' | 'webAddress' | 'srs'> {
  const containerNetwork = ipv4Network(network.address);
  return {
    containerAddress: bareAddress(network.address),
    containerNetwork,
    gateway: network.gateway,
    containerAddress6: network.address6 === null ? null : bareAddress(network.address6),
    gateway6: network.gateway6,
    lanNetworks: [...new Set([containerNetwork, ...bridgeNetworks.map(ipv4Network)])],
    hasIpv6: network.address6 !== null,
  };
}

/** Operators' files that a daemon itself includes, by the prefix of their name. */
const CUSTOM_OF: readonly (readonly [prefix: string, daemon: Daemon])[] = [
  ['rspamd/', 'rspamd'],
  ['dovecot.conf', 'dovecot'],
  ['unbound.conf', 'unbound'],
  ['fail2ban.local', 'fail2ban'],
];

/** The daemons with a service among these files; a disabled daemon has none. */
function runningDaemons(rendered: readonly RenderedFile[]): Set<string> {
  const run = /^\/etc\/s6\/services\/([^/]+)\/run$/;
  return new Set(rendered.map(({ file }) => run.exec(file.path)?.[1] ?? ''));
}

async function readAll(host: Host, folder: string, names: readonly string[]): Promise<string> {
  const texts = names.map(async (name) => (await host.files.read(join(folder, name))) ?? '');
  return (await Promise.all(texts)).join('');
}

/** For each of these daemons, one digest of its inputs other than the rendered files. */
async function inputDigests(
  host: Host,
  paths: Paths,
  { custom, daemons }: { custom: CustomFiles; daemons: ReadonlySet<string> },
) {
  const certificate = (await host.files.read(join(paths.ssl, 'fullchain.pem'))) ?? '';
  const texts = new Map<Daemon, string>([
    ['postfix', certificate],
    ['dovecot', certificate],
    ['opendkim', await readAll(host, paths.dkim, ['KeyTable', 'KeyTable-ed25519'])],
  ]);
  for (const [prefix, daemon] of CUSTOM_OF) {
    const files = Object.entries(custom).filter(([name]) => name.startsWith(prefix));
    texts.set(daemon, JSON.stringify([texts.get(daemon) ?? '', files]));
  }
  const read = [...texts].filter(([daemon]) => daemons.has(daemon));
  return Object.fromEntries(read.map(([daemon, text]) => [daemon, digestText(text)]));
}

function toFile(settings: Settings, { file, text }: RenderedFile) {
  const { uid, gid } = hostOwner(settings.main.idmapBase, file.owner, file.group);
  return { path: file.path, text, uid, gid, mode: file.mode };
}

/** The complete desired state, to compare with the generation in use. */
export async function desiredGeneration(
  host: Host,
  target: Appliance,
  image: string,
): Promise<Omit<Generation, 'name'>> {
  const { settings, paths } = target;
  const bridge = await bridgeInUse(host, target);
  const network = planNetwork(settings, bridge, await queryMachineId(host));
  const custom = await readCustomFiles(host, paths);
  const lan = bridge.ours ? [] : bridge.addresses;
  const facts: Facts = {
    ...networkFacts(network, lan),
    probePassword: await readProbePassword(host, paths),
    webAddress: settings.web.enabled ? bareAddress(webAddress(settings)) : null,
    srs: await readSrsSecrets(host, paths),
  };
  const rendered = renderFiles({ settings, facts, templates, custom });
  const seccomp = join(paths.container, 'seccomp');
  const cgroup = await queryCgroup(host);
  return {
    host: {
      lxcConfig: renderLxcConfig({
        settings,
        paths,
        network,
        cgroup,
        seccomp: host.files.path(seccomp),
      }),
      seccomp: renderSeccomp(),
      network,
      image,
      inputs: await inputDigests(host, paths, { custom, daemons: runningDaemons(rendered) }),
    },
    files: rendered.map((file) => toFile(settings, file)),
  };
}
