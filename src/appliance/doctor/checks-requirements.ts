// What install and start require of this host, also before the first install.

import { findLacks } from '../container/preflight.ts';
import type { Check } from './context.ts';

export const REQUIREMENTS_CHECK: Check = {
  id: 'host.requirements',
  about: 'this host has what install and start need',
  measured: 'programs, kernel, bridge, disk, memory and ports of this host',
  run: async ({ host, target }, report) => {
    const lacks = await findLacks(host, target);
    if (lacks.length === 0) return report('ok', 'this host meets all requirements');
    return lacks.map(({ message, hint }) => report('error', message, { fix: hint }));
  },
};
