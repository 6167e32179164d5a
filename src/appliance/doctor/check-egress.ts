// The check of the egress: the rules are loaded, and connections from inside the container to the host, the gateway
// and the metadata services of clouds fail while DNS answers. The fix loads the rules again.

import { bareAddress } from '../../host/ip.ts';
import { networkTables, planTables, reloadTables } from '../apply/network-tables.ts';
import { networkInUse } from '../container/host-part.ts';
import { queryBridge } from '../container/network-apply.ts';
import { listTable } from '../container/nft-tables.ts';
import type { Check, Context, Report } from './context.ts';
import { closedTargets, tryFromInside } from './egress-trial.ts';
import type { Finding } from './finding.ts';
import { moduleHint } from './nft-hint.ts';

/** The container and the network plan of the generation in use; null before the first apply. */
async function readNetwork({ host, target: { paths, settings } }: Context) {
  const plan = await networkInUse(host, paths);
  return plan === null ? null : { container: settings.main.container, plan };
}

type Network = NonNullable<Awaited<ReturnType<typeof readNetwork>>>;

/** What is wrong with the loaded rules; null when they are in force. */
async function findMissing(
  { host, target }: Context,
  report: Report,
  network: Network,
): Promise<Finding | null> {
  if (network.plan.egress === null) {
    const message = 'the container was started without limits on its connections';
    return report('warning', message, { fix: 'mailctl apply' });
  }
  if ((await planTables(host, target.paths, network)).length > 0) {
    const message = "the rules for the container's connections were removed or changed";
    return report('warning', message, { fix: 'mailctl doctor --only network.egress --fix' });
  }
  for (const table of networkTables(network)) {
    if ((await listTable(host, table)) !== null) continue;
    const message = `nftables of this host refused the table ${table.family} ${table.name}: root in the container could reach this host or the LAN`;
    return report('warning', message, { fix: await moduleHint(host) });
  }
  return null;
}

export const egressCheck: Check = {
  id: 'network.egress',
  about: 'the container reaches only what its egress allows',
  needsContainer: true,
  measured:
    'the nftables rules, and connections from inside the container to the host, the gateway and metadata addresses',
  run: async (context, report) => {
    const { host, target } = context;
    const network = await readNetwork(context);
    if (network === null) return report('unknown', 'inconclusive: nothing is installed yet');
    const missing = await findMissing(context, report, network);
    if (missing !== null) return missing;
    const present = await queryBridge(host, network.plan.bridge, network.plan.vlan?.id);
    const own = [...present.addresses, ...present.addresses6].map(bareAddress);
    const targets = closedTargets(network.plan, own);
    const { reached, dns } = await tryFromInside(host, target, targets);
    if (reached.length > 0) {
      const names = reached.map(([address, port]) => `${address} port ${port}`);
      const message = `a connection from the container reaches ${names.join(', ')}`;
      return report('error', message, { fix: 'mailctl restart' });
    }
    if (dns) return report('ok', 'DNS answers; the host, the gateway and metadata do not');
    const message = 'inconclusive: no connection works inside the container, DNS included';
    return report('unknown', message, { fix: 'mailctl doctor --only resolver.container' });
  },
  applyFix: async (context) => {
    const network = await readNetwork(context);
    if (network === null) return 'no change: nothing is installed yet';
    const loaded = await reloadTables(context.host, context.target.paths, network);
    if (loaded.length === 0) return 'no change: the rules are loaded';
    return `loaded the rules again: ${loaded.join(', ')}`;
  },
};
