// The desired state of the web container, computed from UCI, the accounts, this host and the image. Read-only.

import { join } from 'node:path';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress, ipv4Network } from '../../host/ip.ts';
import { mailDomains } from '../accounts/accounts.ts';
import { namesFor } from '../acme/names.ts';
import type { Appliance } from '../appliance.ts';
import { type Generation, hostOwner } from '../apply/generation.ts';
import { desiredNetwork } from '../container/bridge.ts';
import { queryCgroup } from '../container/cgroup.ts';
import { readCustomFiles } from '../container/data-folders.ts';
import { addressInUse } from '../container/host-part.ts';
import { renderLxcConfig } from '../container/lxc-config.ts';
import { DEFAULT_ADDRESS } from '../container/network.ts';
import { renderSeccomp } from '../container/seccomp.ts';
import { mergeValues, renderSet } from '../render/render.ts';
import { allWebTemplates, type WebNames, webFiles, webValues } from '../render/web.ts';
import type { Settings } from '../settings/settings.ts';
import type { CertificatePair } from '../tls/certificate.ts';
import { formatPair } from '../tls/certificate.ts';
import type { Trust } from './pair.ts';
import { readSessionKey } from './secret.ts';
import { type WebContainer, webContainer } from './web-container.ts';

/** The web container for the mail container in use, or for the one that UCI wants before it was ever started. */
export async function findWebContainer(host: Host, target: Appliance): Promise<WebContainer> {
  const { settings, paths } = target;
  const used = await addressInUse(host, paths);
  return webContainer(target, used ?? bareAddress(settings.network.address ?? DEFAULT_ADDRESS));
}

/** Every name that the HTTPS server answers to. */
export async function webNames(host: Host, target: Appliance): Promise<string[]> {
  return namesFor(target.settings, await mailDomains(host, target));
}

/** Webmail also answers to its address, for a network without DNS. */
function splitNames({ main }: Settings, names: readonly string[], address: string): WebNames {
  const isWebmail = (name: string) => name === main.hostname || name.startsWith('webmail.');
  return {
    webmail: [...names.filter(isWebmail), address],
    setup: names.filter((name) => !isWebmail(name)),
  };
}

interface Input {
  readonly web: WebContainer;
  readonly image: string;
  readonly pair: CertificatePair;
  readonly trust: Trust;
}

/** The complete desired state, to compare with the generation in use. Throws HOST_UNFIT. */
export async function desiredWeb(
  host: Host,
  target: Appliance,
  { web, image, pair, trust }: Input,
): Promise<Omit<Generation, 'name'>> {
  const { settings, paths, shape } = web;
  const network = await desiredNetwork(host, web);
  const [{ to: mailAddress } = { to: null }] = shape.destinations;
  const values = webValues(settings, {
    mailAddress: mailAddress ?? '',
    names: splitNames(settings, await webNames(host, target), bareAddress(network.address)),
    lanNetworks: network.egress?.lan ?? [ipv4Network(network.address)],
    desKey: await readSessionKey(host, paths),
    caBundle: trust.bundle,
  });
  const custom = await readCustomFiles(host, paths);
  const rendered = renderSet(webFiles, mergeValues([values]), {
    ...{ settings, templates: allWebTemplates, custom },
  });
  const seccomp = host.files.path(join(paths.container, 'seccomp'));
  const cgroup = await queryCgroup(host);
  const own = custom['roundcube.inc.php'] ?? '';
  return {
    host: {
      lxcConfig: renderLxcConfig({
        ...{ settings, paths, network, cgroup, seccomp },
        folders: shape.folders,
      }),
      seccomp: renderSeccomp(),
      network,
      image,
      inputs: {
        nginx: digestText(formatPair(pair).fullchain),
        ...(settings.webmail.enabled ? { php: digestText(own) } : {}),
      },
    },
    files: rendered.map(({ file, text }) => {
      const { uid, gid } = hostOwner(settings.main.idmapBase, file.owner, file.group);
      return { path: file.path, text, uid, gid, mode: file.mode };
    }),
  };
}
