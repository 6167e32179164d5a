// The daemons of the running container, as reported by their supervisor s6.

import type { Host } from '../../host/host.ts';
import { type ContainerRef, queryInside } from '../../host/lxc.ts';

export interface DaemonStatus {
  readonly name: string;
  /** `failing`: it ends repeatedly, even if it runs at the moment, or it runs and does not answer. */
  readonly state: 'up' | 'down' | 'failing';
  /** Since when it is up or down; null if s6 does not report it. */
  readonly since: Date | null;
  /** How often it ended by itself in the last minute. */
  readonly deaths: number;
}

// One process for all services: attaching to the container is the main cost.
const REPORT = `
for folder in /run/service/*/; do
  name=\${folder%/}
  echo "service \${name##*/} $(s6-svstat -o up,updownsince "$folder" 2>/dev/null)"
  s6-svdt "$folder" 2>/dev/null
done
exit 0`;

// The same as lxc-template/mail/rootfs/etc/s6/finish, which slows such a daemon down
const FAILING_DEATHS = 3;
const FAILING_WINDOW_S = 60;
// apply restarts a daemon by SIGTERM: no failure
const DEATH = /^(@[0-9a-f]{24}) (?:exitcode \d+|signal SIG(?:ABRT|BUS|FPE|ILL|KILL|SEGV))$/;
const SERVICE = /^service ([A-Za-z0-9_-]+) (?:(true|false) (@[0-9a-f]{24}))?$/;

const TAI64_EPOCH = 2n ** 62n;
// s6 counts in TAI, which has been this far ahead of UTC since 2017
const TAI_AHEAD_S = 37;

/** Seconds since 1970, UTC, of a TAI64N label such as `@400000006b00f7a628610a91`. */
export function parseTai64n(label: string): number {
  return Number(BigInt(`0x${label.slice(1, 17)}`) - TAI64_EPOCH) - TAI_AHEAD_S;
}

interface Service {
  readonly name: string;
  readonly up: boolean;
  readonly since: Date | null;
  readonly deaths: number[];
}

function parseServices(report: string): Service[] {
  const services: Service[] = [];
  for (const line of report.split('\n')) {
    const [matched, name = '', up, since] = SERVICE.exec(line) ?? [];
    if (matched !== undefined) {
      const date = since === undefined ? null : new Date(parseTai64n(since) * 1000);
      services.push({ name, up: up === 'true', since: date, deaths: [] });
    }
    const death = DEATH.exec(line)?.[1];
    if (death !== undefined) services.at(-1)?.deaths.push(parseTai64n(death));
  }
  return services;
}

/** Reads what REPORT prints. */
export function parseDaemons(report: string, now: Date): DaemonStatus[] {
  const since = now.getTime() / 1000 - FAILING_WINDOW_S;
  return parseServices(report).map((service) => {
    const deaths = service.deaths.filter((time) => time >= since).length;
    const failing = deaths >= FAILING_DEATHS;
    const state = failing ? 'failing' : service.up ? 'up' : 'down';
    return { name: service.name, state, since: service.since, deaths };
  });
}

/** Throws NOT_RUNNING. */
export async function queryDaemons(host: Host, container: ContainerRef): Promise<DaemonStatus[]> {
  const { stdout } = await queryInside(host, container, ['sh', '-c', REPORT], { timeout: 10_000 });
  return parseDaemons(stdout, host.clock.now());
}
