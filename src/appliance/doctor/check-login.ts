// The check of logins, and the only remedy where none is answered: Dovecot started anew, while mail waits in the queue.

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
    if (trial === null) return report('ok', 'there is no port for logins');
    if (trial.outcome === 'works') return report('ok', `a login on ${trial.service} works`);
    const fix =
      trial.outcome === 'silent'
        ? 'mailctl doctor --only service.login --fix'
        : 'mailctl logs 50 --daemon dovecot';
    return report('error', describeTrial(trial, HANGING_LIMIT_MS), { fix });
  },
  mend: async ({ host, target }) => {
    // tried again, as no other command is at work now: one that was may have been what kept Dovecot from answering
    const trial = await tryLogin(host, target, HANGING_LIMIT_MS);
    if (trial?.outcome !== 'silent') return 'Dovecot answers logins: it was left alone';
    const daemons = await queryDaemons(host, containerRef(target));
    const dovecot = daemons.find(({ name }) => name === 'dovecot');
    if (dovecot?.state === 'down') return 'Dovecot is down: mailctl doctor --only daemons.up --fix';
    await restartDaemon(host, target, 'dovecot');
    const limit = { timeout: HANGING_LIMIT_MS, interval: 200 };
    const works = await pollUntil(host.clock, limit, async () =>
      (await tryLogin(host, target, HANGING_LIMIT_MS))?.outcome === 'works' ? true : null,
    );
    const now = works ? 'a login works now' : 'logins still do not work';
    return `restarted Dovecot, which did not answer logins: ${now}`;
  },
};
