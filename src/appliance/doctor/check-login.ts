// The check of logins. If logins time out, the fix restarts Dovecot; mail waits in the queue meanwhile.

import { pollUntil } from '../../host/clock.ts';
import { containerRef } from '../container/container.ts';
import { restartDaemon } from '../container/daemons.ts';
import { describeTrial, HANGING_LIMIT_MS, tryLogin } from '../probe/login-trial.ts';
import { queryDaemons } from '../status/daemons.ts';
import type { Check } from './context.ts';

export const loginCheck: Check = {
  id: 'service.login',
  about: 'a login is answered',
  needsContainer: true,
  measured: 'a login of the probe account from the host',
  run: async ({ host, target }, report) => {
    const trial = await tryLogin(host, target, HANGING_LIMIT_MS);
    if (trial === null) return report('ok', 'every port with logins is disabled');
    if (trial.outcome === 'works') return report('ok', `a login on ${trial.service} works`);
    const fix =
      trial.outcome === 'silent'
        ? 'mailctl doctor --only service.login --fix'
        : 'mailctl logs 50 --daemon dovecot';
    return report('error', describeTrial(trial, HANGING_LIMIT_MS), { fix });
  },
  applyFix: async ({ host, target }) => {
    // tried again under the lock: another command may have restarted Dovecot during the check
    const trial = await tryLogin(host, target, HANGING_LIMIT_MS);
    if (trial?.outcome !== 'silent') return 'no change: Dovecot answers logins';
    const daemons = await queryDaemons(host, containerRef(target));
    const dovecot = daemons.find(({ name }) => name === 'dovecot');
    if (dovecot?.state === 'down') return 'Dovecot is down: mailctl doctor --only daemons.up --fix';
    await restartDaemon(host, target, 'dovecot');
    const limit = { timeout: HANGING_LIMIT_MS, interval: 200 };
    const works = await pollUntil(host.clock, limit, async () =>
      (await tryLogin(host, target, HANGING_LIMIT_MS))?.outcome === 'works' ? true : null,
    );
    const now = works ? 'logins work now' : 'logins still fail';
    return `restarted Dovecot, which did not answer logins: ${now}`;
  },
};
