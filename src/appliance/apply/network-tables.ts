// The nft tables of a running container: what is missing or was changed by hand, and loading it again.

import type { Host } from '../../host/host.ts';
import type { NetworkPlan } from '../container/network.ts';
import { inetTable } from '../container/network-apply.ts';
import { type NftTable, planTable, tryTable } from '../container/nft-tables.ts';
import { filterTable, hasVeth } from '../container/veth-apply.ts';
import type { Paths } from '../paths.ts';
import type { Change } from './changes.ts';

interface Network {
  readonly container: string;
  readonly plan: NetworkPlan;
}

/** The nft tables of a running container. */
export function networkTables({ container, plan }: Network): NftTable[] {
  const inet = plan.makeBridge || plan.egress !== null ? [inetTable(container, plan)] : [];
  return [...inet, ...(hasVeth(plan) ? [filterTable(container, plan)] : [])];
}

/** Tables that are missing, or were changed since mailctl loaded them. */
export async function planTables(host: Host, paths: Paths, network: Network): Promise<Change[]> {
  const changes: Change[] = [];
  for (const table of networkTables(network)) {
    const action = await planTable(host, paths, table);
    const name = `table ${table.family} ${table.name}`;
    if (action !== null) changes.push({ what: 'firewall', name, action, effect: { none: true } });
  }
  return changes;
}

/** Loads the tables that `planTables` finds; returns their names. */
export async function reloadTables(
  host: Host,
  paths: Paths,
  network: Network,
): Promise<readonly string[]> {
  const loaded: string[] = [];
  for (const table of networkTables(network)) {
    if ((await planTable(host, paths, table)) === null) continue;
    const name = `table ${table.family} ${table.name}`;
    const refusal = await tryTable(host, paths, table);
    if (refusal === null) loaded.push(name);
    else host.say(`${name} could not be loaded: ${refusal}`);
  }
  return loaded;
}
