// Checks of the isolation: the container's network filter and its egress, and the mode of the UCI file.

import { networkInUse } from '../container/host-part.ts';
import { listTable, planTable } from '../container/nft-tables.ts';
import { filterTable, hasVeth } from '../container/veth-apply.ts';
import { secretsIn } from '../settings/secrets.ts';
import { egressCheck } from './check-egress.ts';
import type { Check } from './context.ts';
import { moduleHint } from './nft-hint.ts';

const OTHERS = 0o077;

const uciFile: Check = {
  id: 'config.mode',
  about: 'only root can read passwords in the UCI file',
  measured: 'mode of the UCI file, and the options that contain a secret',
  run: async (
    {
      host,
      target: {
        settings,
        paths: { uciFile },
      },
    },
    report,
  ) => {
    const mode = (await host.files.stat(uciFile))?.mode ?? 0;
    const secrets = secretsIn(settings);
    if (secrets.length === 0) return report('ok', `${uciFile} contains no secret`);
    if ((mode & OTHERS) === 0) return report('ok', `only the owner can read ${uciFile}`);
    const text = `${uciFile} has mode ${mode.toString(8)} and contains ${secrets.join(', ')}: other users of this host can read it`;
    return report('warning', text, { fix: `chmod 600 ${uciFile}` });
  },
  applyFix: async ({
    host,
    target: {
      paths: { uciFile },
    },
  }) => {
    const stat = await host.files.stat(uciFile);
    const text = await host.files.readBytes(uciFile);
    if (stat === null || text === null) return `${uciFile} does not exist`;
    const owner = { uid: stat.uid, gid: stat.gid };
    await host.files.replace(uciFile, text, { mode: 0o600, owner });
    return `set the mode of ${uciFile} to 600`;
  },
};

const filter: Check = {
  id: 'network.filter',
  about: 'the container can send from its own addresses only',
  needsContainer: true,
  measured: "the nftables table of family netdev at the container's interface",
  run: async ({ host, target: { paths, settings } }, report) => {
    const plan = await networkInUse(host, paths);
    if (plan === null || !hasVeth(plan)) {
      const message = 'the container was started without an address filter';
      return report('warning', message, { fix: 'mailctl apply' });
    }
    const table = filterTable(settings.main.container, plan);
    if ((await planTable(host, paths, table)) !== null) {
      const message = "the address filter of the container's interface was removed or changed";
      return report('warning', message, { fix: 'mailctl apply' });
    }
    if ((await listTable(host, table)) === null) {
      const message =
        'this kernel has no netdev filter: root in the container could send from foreign addresses, and reach the LAN';
      return report('warning', message, { fix: await moduleHint(host) });
    }
    return report('ok', 'frames and packets with foreign addresses are dropped');
  },
};

export const CONFINEMENT_CHECKS: readonly Check[] = [uciFile, filter, egressCheck];
