// The VLAN of the container on a bridge that filters VLANs (IEEE 802.1Q), as DSA routers with `config bridge-vlan` have
// it. Pure.

import type { Settings } from '../settings/settings.ts';
import type { Lack } from './lack.ts';

/** An interface of the host in one VLAN of the bridge, such as br-lan.1. */
export interface VlanDevice {
  readonly name: string;
  readonly id: number;
}

export interface BridgeVlans {
  /** The VLAN of new ports; 0: none, so that they carry no traffic. netifd sets 0. */
  readonly defaultId: number;
  readonly devices: readonly VlanDevice[];
}

/** The devices of one bridge in the text of /proc/net/vlan/config. */
export function parseVlanDevices(text: string, bridge: string): VlanDevice[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', id = '', below = ''] = line.split('|').map((field) => field.trim());
    return below === bridge && /^\d+$/.test(id) ? [{ name, id: Number(id) }] : [];
  });
}

/** The VLAN of the container's port. */
export interface PortVlan {
  readonly id: number;
  /** The host's own interface in it: its VLAN device, or the bridge. */
  readonly device: string;
}

/** Null when the bridge filters no VLANs, or there is neither `network.vlan` nor a default one. */
export function portVlan(
  { bridge, vlan }: Pick<Settings['network'], 'bridge' | 'vlan'>,
  vlans: BridgeVlans | null,
): PortVlan | null {
  if (vlans === null) return null;
  const id = vlan ?? vlans.defaultId;
  const device = vlans.devices.find((one) => one.id === id)?.name ?? bridge;
  return id === 0 ? null : { id, device };
}

/**
 * What does not fit between network.vlan and the bridge.
 * @param vlans null for a bridge that filters no VLANs
 */
export function vlanLack({ network }: Settings, vlans: BridgeVlans | null): Lack | null {
  const { bridge, vlan } = network;
  const code = 'HOST_UNFIT';
  if (vlans === null && vlan !== null) {
    const message = `network.vlan is ${vlan}, and the bridge ${bridge} does not filter VLANs`;
    return { code, message, hint: "mailctl set network.vlan ''" };
  }
  if (vlans === null || portVlan(network, vlans) !== null) return null;
  const known = vlans.devices.map(({ name, id }) => `${name} is VLAN ${id}`).join(', ');
  const message = `the bridge ${bridge} filters VLANs and has no default VLAN, so the container needs network.vlan`;
  const hint = `mailctl set network.vlan <VLAN of the LAN>   (${known || 'uci show network | grep vlan'})`;
  return { code, message, hint };
}
