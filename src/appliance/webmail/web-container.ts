// The web container of an appliance, as a value of the same type: with it, container/ creates, starts and stops this
// container as it does that of the mail server. Pure.

import { join } from 'node:path';
import type { Appliance, ContainerShape } from '../appliance.ts';
import { webAddress } from '../container/network.ts';
import { appliancePaths } from '../paths.ts';
import { webmailPorts } from '../render/web.ts';
import type { Settings } from '../settings/settings.ts';
import { webIdmapBase } from '../settings/web-conflicts.ts';

export type WebContainer = Appliance & { readonly shape: ContainerShape };

function webSettings({ settings, paths }: Appliance): Settings {
  const { main, network, web, webmail } = settings;
  return {
    ...settings,
    main: {
      ...main,
      container: webmail.container,
      dataPath: join(paths.data, 'webmail'),
      idmapBase: webIdmapBase(settings),
      memory: web.memory,
      image: web.image,
      imageSha256: web.imageSha256,
    },
    network: {
      ...network,
      address: webAddress(settings),
      address6: web.address6,
    },
    features: { ...settings.features, virusScan: false },
  };
}

/** @param mailAddress IPv4 of the mail container, without prefix length */
export function webContainer(target: Appliance, mailAddress: string): WebContainer {
  const { web, webmail } = target.settings;
  const settings = webSettings(target);
  const { custom, lxc, uciFile } = target.paths;
  const paths = { ...appliancePaths(settings, { lxc, uciFile }), custom };
  const mail = webmailPorts(target.settings);
  return {
    settings,
    paths,
    shape: {
      variant: 'web',
      ports: [web.http, web.https, webmail.port].filter((port) => port !== null),
      destinations: mail.map((port) => ({ to: mailAddress, protocol: 'tcp', port })),
      folders: [
        { from: paths.rendered, to: 'config', access: 'execute' },
        { from: custom, to: 'custom', access: 'read' },
        { from: paths.ssl, to: 'etc/ssl/web', access: 'read' },
        { from: paths.state, to: 'var/lib/mailserver', access: 'write' },
        { from: paths.log, to: 'var/log/mail', access: 'write' },
        // where `mailctl web` listens
        { from: target.paths.webFront, to: 'run/web', access: 'read' },
      ],
    },
  };
}
