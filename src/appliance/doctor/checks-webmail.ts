// Checks of the web container: whether webmail works, and whether its network is as planned.

import { findRepairs } from '../apply/network-repair.ts';
import { networkInUse } from '../container/host-part.ts';
import { findWebContainer } from '../webmail/desired.ts';
import { followWeb } from '../webmail/follow.ts';
import { queryWebmail } from '../webmail/status.ts';
import type { Check, Context } from './context.ts';

async function startWeb({ host, target }: Context): Promise<string> {
  const { problem } = await followWeb(host, target);
  if (problem !== null) throw problem;
  return 'brought the web container up to date';
}

const working: Check = {
  id: 'webmail.works',
  about: 'webmail runs, and a login works',
  measured: 's6 in the web container, and a login of the internal account over HTTPS',
  run: async ({ host, target }, report) => {
    if (!target.settings.web.enabled) return report('ok', 'webmail is not installed');
    const { state, problem, url } = await queryWebmail(host, target);
    if (state === 'absent') return report('ok', 'webmail is not installed');
    if (state === 'running') return report('ok', `webmail works: ${url}`);
    return report('error', `webmail is ${state}: ${problem ?? ''}`, {
      fix: 'mailctl doctor --fix',
    });
  },
  applyFix: startWeb,
};

const network: Check = {
  id: 'webmail.network',
  about: 'the network of the web container is as planned: bridge, filter, published ports',
  measured: 'ip, nft list tables',
  run: async ({ host, target }, report) => {
    if (!target.settings.web.enabled) return report('ok', 'webmail is not installed');
    const web = await findWebContainer(host, target);
    const plan = await networkInUse(host, web.paths);
    const wrong = plan === null ? [] : await findRepairs(host, web, plan);
    if (wrong.length === 0) return report('ok', 'the network of the web container is as planned');
    const names = wrong.map(({ name }) => name).join(', ');
    return report('error', `changed by another program: ${names}`, { fix: 'mailctl doctor --fix' });
  },
  applyFix: startWeb,
};

export const WEBMAIL_CHECKS: readonly Check[] = [working, network];
