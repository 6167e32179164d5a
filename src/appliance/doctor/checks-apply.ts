// Checks of apply: it was completed, and the UCI file was not edited since.

import { readGeneration } from '../apply/generation.ts';
import { queryUnapplied } from '../apply/unapplied.ts';
import type { Check } from './context.ts';

const generation: Check = {
  id: 'apply.state',
  about: 'the last apply was completed',
  measured: 'the rendering in use, compared with the last one that passed its probes',
  run: async ({ host, target: { paths } }, report) => {
    const current = await readGeneration(host, paths, 'current');
    const good = await readGeneration(host, paths, 'good');
    if (current === null)
      return report('note', 'nothing is installed yet', { fix: 'mailctl install' });
    if (current.name === good?.name)
      return report('ok', 'the rendering in use has passed its probes');
    const message =
      'the last apply was not completed: the rendering in use has not passed its probes';
    return report('warning', message, { fix: 'mailctl apply' });
  },
};

const unapplied: Check = {
  id: 'apply.pending',
  about: 'the UCI file is applied',
  measured: 'the rendering in use, compared with that of the UCI file',
  run: async ({ host, target }, report) => {
    const { changes, refusal } = await queryUnapplied(host, target);
    if (refusal !== null) {
      const message = `the UCI file cannot be applied: ${refusal.message}`;
      return report('warning', message, { fix: refusal.hint });
    }
    if (changes === 0) return report('ok', 'the UCI file is applied');
    const message = `changes of the UCI file that are not applied yet: ${changes}`;
    return report('warning', message, { fix: 'mailctl plan, then: mailctl apply' });
  },
};

export const APPLY_CHECKS: readonly Check[] = [generation, unapplied];
