// Connections from inside the container to addresses that its egress does not allow.

import { array, boolean, type InferOutput, object, safeParse, string, tuple } from 'valibot';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { queryInside } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { isListed } from '../container/egress.ts';
import type { NetworkPlan } from '../container/network.ts';

type Target = readonly [address: string, port: number];

/** Metadata services of clouds; IPv6: that of AWS. */
const METADATA = { four: '169.254.169.254', six: 'fd00:ec2::254' };
const METADATA_PORT = 80;
/** DNS, SSH and the web interface of a router. */
const HOST_PORTS = [53, 22, 80];

/**
 * The image has no program for connections; Python is installed for fail2ban. A refused connection counts as reached:
 * the packets passed. Any answer of the resolver counts, also that the name does not exist.
 */
const TRIAL = `
import errno, json, select, socket, sys, time
targets, name = json.loads(sys.argv[1]), sys.argv[2]
reached, open = [], {}
for address, port in targets:
    try:
        one = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
        one.setblocking(False)
        code = one.connect_ex((address, port))
        if code in (0, errno.ECONNREFUSED): reached.append([address, port])
        elif code == errno.EINPROGRESS: open[one] = [address, port]
    except OSError: pass
end = time.monotonic() + 3
while open and time.monotonic() < end:
    _, ready, _ = select.select([], list(open), [], max(0, end - time.monotonic()))
    for one in ready:
        target = open.pop(one)
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (0, errno.ECONNREFUSED): reached.append(target)
try: socket.getaddrinfo(name, 25); dns = True
except socket.gaierror as error: dns = error.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
print(json.dumps({'reached': [[address, str(port)] for address, port in reached], 'dns': dns}))
`;

const result = object({ reached: array(tuple([string(), string()])), dns: boolean() });

/** What must not be reachable, unless an option lists it. @param host addresses of the host on the bridge */
export function closedTargets(plan: NetworkPlan, host: readonly string[]): Target[] {
  const { egress, gateway, gateway6, address6 } = plan;
  const gateways = gateway6 === null ? [gateway] : [gateway, gateway6];
  const near = [...new Set([...gateways, ...host])]
    .filter((address) => address6 !== null || !address.includes(':'))
    .flatMap((address) => HOST_PORTS.map((port): Target => [address, port]));
  const metadata = address6 === null ? [METADATA.four] : [METADATA.four, METADATA.six];
  const all = [...near, ...metadata.map((address): Target => [address, METADATA_PORT])];
  return all.filter(([address, port]) => egress === null || !isListed(egress, address, port));
}

/** Tries all targets at once, and a name at the resolver. */
export async function tryFromInside(
  host: Host,
  target: Appliance,
  targets: readonly Target[],
): Promise<InferOutput<typeof result>> {
  const { domain } = target.settings.main;
  const command = ['python3', '-c', TRIAL, JSON.stringify(targets), domain];
  const { stdout } = await queryInside(host, containerRef(target), command, { timeout: 20_000 });
  const { output, success } = safeParse(result, parseJson(stdout));
  if (success) return output;
  throw new MailctlError('PROGRAM_FAILED', 'the trial inside the container gave no result');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
