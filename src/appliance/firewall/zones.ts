// The zones of the firewall that the WAN interface and the container's bridge belong to. Pure.

import { MailctlError } from '../../errors.ts';
import type { Settings } from '../settings/settings.ts';
import type { PresentSection } from './difference.ts';

const items = (section: PresentSection, option: string): string[] =>
  [section.options.get(option) ?? []].flat().flatMap((text) => text.split(/\s+/).filter(Boolean));

/** Names of the interfaces of /etc/config/network that use the bridge. */
function interfacesOn(network: readonly PresentSection[], bridge: string): string[] {
  return network
    .filter(({ type }) => type === 'interface')
    .filter((section) => {
      // before OpenWrt 21.02 the bridge was made by the interface itself
      const own = items(section, 'type').includes('bridge') ? [`br-${section.name}`] : [];
      return [...items(section, 'device'), ...own].includes(bridge);
    })
    .flatMap(({ name }) => name ?? []);
}

/** @param device of the zone itself, which may name it in place of an interface */
function zoneOf(
  firewall: readonly PresentSection[],
  names: readonly string[],
  device?: string,
): string | null {
  const zone = firewall.find(
    (section) =>
      section.type === 'zone' &&
      (items(section, 'network').some((one) => names.includes(one)) ||
        (device !== undefined && items(section, 'device').includes(device))),
  );
  return zone === undefined ? null : (items(zone, 'name')[0] ?? null);
}

interface Files {
  readonly firewall: readonly PresentSection[];
  readonly network: readonly PresentSection[];
}

/** Throws HOST_UNFIT when the bridge or the WAN interface is in no zone. */
export function findZones(settings: Settings, files: Files): { wan: string; lan: string } {
  const { bridge, vlan } = settings.network;
  const { wanInterface } = settings.dns;
  const lanOf = (device: string) =>
    zoneOf(files.firewall, interfacesOn(files.network, device), device);
  // on a bridge that filters VLANs, the interface is on the device of a VLAN
  const lan = (vlan === null ? null : lanOf(`${bridge}.${vlan}`)) ?? lanOf(bridge);
  if (lan === null) {
    throw new MailctlError(
      'HOST_UNFIT',
      `the bridge ${bridge} (network.bridge) is in no zone of /etc/config/firewall`,
      { hint: 'mailctl set network.bridge br-lan   (or add its network to a zone)' },
    );
  }
  const wan = zoneOf(files.firewall, [wanInterface]);
  if (wan === null) {
    throw new MailctlError(
      'HOST_UNFIT',
      `the interface ${wanInterface} (dns.wan_interface) is in no zone of /etc/config/firewall`,
      { hint: 'mailctl set dns.wan_interface <interface of the WAN zone>' },
    );
  }
  return { wan, lan };
}
