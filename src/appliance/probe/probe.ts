// Probes the server from the host: every enabled port speaks its protocol and shows the installed
// certificate, a login works, a message is accepted and arrives. Failures are retried until the
// timeout, so that the probes also wait for a server that is starting.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import { randomHex } from '../../host/keys.ts';
import { presentable } from '../../host/programs.ts';
import type { NetworkPlan } from '../container/network.ts';
import { PROTOCOLS, type Service } from '../mail/protocols.ts';
import type { Paths } from '../paths.ts';
import type { Settings } from '../settings/settings.ts';
import { fingerprintOf } from '../tls/certificate.ts';
import { readInstalledPair } from '../tls/store.ts';
import {
  firstOf,
  type ProbeContext,
  probeListener,
  probeLogin,
  submitProbe,
  takeProbe,
} from './mail.ts';
import { readProbePassword } from './secret.ts';

export interface ProbeResult {
  /** The option of the UCI section `ports`, or `login`, or `delivery`. */
  readonly name: string;
  readonly ok: boolean;
  /** What was measured, or the error message. */
  readonly measured: string;
  readonly milliseconds: number;
}

interface Probe {
  readonly name: string;
  readonly run: (context: ProbeContext) => Promise<string>;
}

const DEFAULT_TIMEOUT_MS = 15_000;
const RETRY_MS = 150;

/** Retries until success or the deadline; then throws the last error. */
async function persist<T>(context: ProbeContext, attempt: () => Promise<T>): Promise<T> {
  const { clock } = context.host;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const over = clock.now().getTime() + RETRY_MS >= context.deadline;
      if (over || !(error instanceof MailctlError)) throw error;
    }
    await clock.sleep(RETRY_MS);
  }
}

async function probeDelivery(context: ProbeContext): Promise<string> {
  const { settings } = context;
  const out = firstOf(settings, ['submission', 'smtps']);
  if (out === null) throw new Error('probe of delivery without a port for submission');
  const token = randomHex(16);
  const reply = await persist(context, () => submitProbe(context, out, token));
  const back = firstOf(settings, ['imaps', 'imap']);
  if (back === null) return `a message was accepted on ${out}: ${reply}`;
  await persist(context, () => takeProbe(context, back, token));
  return `a message sent on ${out} arrived (read on ${back})`;
}

/** The probes for these settings. */
export function plannedProbes(settings: Settings): Probe[] {
  const services = Object.keys(PROTOCOLS) as Service[];
  const listeners = services
    .filter((service) => settings.ports[service] !== null)
    .map((service) => ({
      name: service,
      run: (context: ProbeContext) => persist(context, () => probeListener(context, service)),
    }));
  const login = firstOf(settings, ['imaps', 'imap', 'pop3s', 'pop3']);
  const submits = firstOf(settings, ['submission', 'smtps']) !== null;
  return [
    ...listeners,
    ...(login === null
      ? []
      : [
          {
            name: 'login',
            run: (context: ProbeContext) => persist(context, () => probeLogin(context, login)),
          },
        ]),
    ...(submits ? [{ name: 'delivery', run: probeDelivery }] : []),
  ];
}

async function measure(context: ProbeContext, probe: Probe): Promise<ProbeResult> {
  const started = context.host.clock.now().getTime();
  const result = (ok: boolean, text: string): ProbeResult => ({
    name: probe.name,
    ok,
    measured: presentable(text, [context.password]),
    milliseconds: context.host.clock.now().getTime() - started,
  });
  try {
    return result(true, await probe.run(context));
  } catch (error) {
    if (error instanceof MailctlError) return result(false, error.message);
    throw error;
  }
}

/**
 * Runs all probes at the same time, from the host, at the container's own address.
 * @param options.timeout milliseconds for the server to become ready
 */
export async function probeAppliance(
  host: Host,
  target: { readonly settings: Settings; readonly paths: Paths },
  network: NetworkPlan,
  options: { readonly timeout?: number } = {},
): Promise<ProbeResult[]> {
  const { settings, paths } = target;
  const pair = await readInstalledPair(host, paths);
  const context: ProbeContext = {
    ...{ host, settings, address: bareAddress(network.address) },
    fingerprint: pair === null ? null : fingerprintOf(pair.chain[0]),
    password: await readProbePassword(host, paths),
    deadline: host.clock.now().getTime() + (options.timeout ?? DEFAULT_TIMEOUT_MS),
  };
  return Promise.all(plannedProbes(settings).map((probe) => measure(context, probe)));
}
