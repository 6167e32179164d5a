// A router whose LXC reports a running container; one stand-in script replaces the programs inside it.

import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createRouter, type Router } from './router.ts';

export interface RunningRouter extends Router {
  /** Command lines run inside, in order. */
  inside(): string[];
}

/** @param answers shell `case` branches over `$*`, the command line inside the container */
export function createRunningRouter(answers: string): RunningRouter {
  const router = createRouter();
  const calls = join(router.root, 'inside');
  // an address of this machine refuses connections at once, like the container's
  const config = 'lxc.net.0.veth.pair = veth-tests\nlxc.net.0.ipv4.address = 127.82.25.2/24\n';
  router.write('/srv/lxc/router-of-tests/config', config);
  router.write('/sys/class/net/veth-tests/flags', '0x1003\n');
  symlinkSync('../br-lan', join(router.root, 'sys/class/net/veth-tests/master'));
  router.write('/bin/lxc-info', '#!/bin/sh\necho 4242\n', 0o755);
  const attach = `#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
echo "$*" >>${calls}
case "$*" in
${answers}
  *) echo "no stand-in for $*" >&2; exit 99 ;;
esac
`;
  router.write('/bin/lxc-attach', attach, 0o755);
  router.write('/inside', '');
  return { ...router, inside: () => readFileSync(calls, 'utf8').trim().split('\n') };
}
