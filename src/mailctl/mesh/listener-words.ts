// Whether this box answers peers, and where. Apart from what the listener needs, which `mailctl serve` must not load.

import type { Appliance } from '../../appliance/appliance.ts';
import type { Settings } from '../../appliance/settings/settings.ts';

const PEER_ID = /^[0-9a-f]{64}$/;

/** The peers that are boxes: folders and buckets are not answered. */
export const boxesOf = ({ mesh }: Settings): string[] =>
  mesh.backupPeers.filter((peer) => PEER_ID.test(peer));

/** The words after `mailctl`; null while there is nobody to answer. */
export function listenerWords({ settings }: Appliance): readonly string[] | null {
  const { enabled, listen, port } = settings.mesh;
  if (!enabled || boxesOf(settings).length === 0 || listen.length === 0) return null;
  const addresses = listen === 'all' ? [] : listen.flatMap((one) => ['--address', one]);
  return ['mesh', 'listen', '--port', String(port), ...addresses];
}
