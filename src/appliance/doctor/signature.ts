// Sends a test message, signed like all mail, and verifies its DKIM signature with Rspamd against the published key.

import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import { randomHex } from '../../host/keys.ts';
import { runInside } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { readGeneration } from '../apply/generation.ts';
import { containerRef } from '../container/container.ts';
import { sendTestMessage } from '../mail/test-message.ts';
import { takeProbe } from '../probe/mail.ts';
import { readProbePassword } from '../probe/secret.ts';
import { PROBE_ADDRESS } from '../render/postfix.ts';
import { fingerprintOf } from '../tls/certificate.ts';
import { readInstalledPair } from '../tls/store.ts';

export interface Verdict {
  /** null if inconclusive. */
  readonly good: boolean | null;
  readonly words: string;
}

const ARRIVAL_MS = 20_000;
const CONTROLLER = '/run/rspamd/controller.sock';

interface Scan {
  readonly symbols?: Readonly<Record<string, { readonly options?: readonly string[] }>>;
}

function readScan(answer: string): Scan | null {
  const json = /\{.*\}/s.exec(answer)?.[0];
  if (json === undefined) return null;
  try {
    return JSON.parse(json) as Scan;
  } catch {
    // the caller reports an invalid answer of Rspamd
    return null;
  }
}

const NAMES: readonly (readonly [symbol: string, good: boolean | null, words: string])[] = [
  ['R_DKIM_ALLOW', true, 'the signature matches the published key'],
  [
    'R_DKIM_REJECT',
    false,
    'the signature does not match the published key: receivers refuse mail of this server',
  ],
  ['R_DKIM_PERMFAIL', false, 'the published key is missing or cannot be used'],
  ['R_DKIM_TEMPFAIL', null, 'the published key could not be looked up'],
  ['R_DKIM_NA', false, 'the message was not signed'],
];

async function scan(host: Host, target: Appliance, message: string): Promise<Verdict> {
  // a foreign client address: Rspamd does not verify mail of local clients
  const command = ['rspamc', '-h', CONTROLLER, '-t', '20', '-j', '-i', '192.0.2.1', 'symbols'];
  const { stdout } = await runInside(host, containerRef(target), command, {
    input: message,
    timeout: 30_000,
    accept: [1],
  });
  const symbols = readScan(stdout)?.symbols;
  if (symbols === undefined) return { good: null, words: "Rspamd's answer is invalid" };
  const all = NAMES.filter(([symbol]) => symbol in symbols);
  // of two signatures, RSA and Ed25519, a wrong one counts
  const found = all.find(([, good]) => good === false) ?? all[0];
  if (found === undefined) return { good: null, words: 'Rspamd does not check DKIM signatures' };
  const [symbol, good, words] = found;
  const options = symbols[symbol]?.options?.join(', ') ?? '';
  return { good, words: options === '' ? words : `${words} (${options})` };
}

/** Sends a message from the postmaster to the probe account, fetches it, and verifies its signature. */
export async function verifyOwnSignature(host: Host, target: Appliance): Promise<Verdict> {
  const generation = await readGeneration(host, target.paths, 'current');
  if (generation === null) return { good: null, words: 'the mail server is not installed' };
  const { settings } = target;
  if (settings.ports.imaps === null && settings.ports.imap === null) {
    return { good: null, words: 'IMAP is disabled, so the test message cannot be fetched' };
  }
  if (!settings.features.spamFilter) {
    return { good: null, words: 'features.spam_filter is 0: the check needs Rspamd' };
  }
  const pair = await readInstalledPair(host, target.paths);
  const back = settings.ports.imaps === null ? 'imap' : 'imaps';
  const id = randomHex(16);
  const to = PROBE_ADDRESS as Parameters<typeof sendTestMessage>[2]['to'];
  const sent = await sendTestMessage(host, target, { to, id, timeout: ARRIVAL_MS });
  if (sent.outcome !== 'delivered') {
    return {
      good: null,
      words: `the test message was not delivered: ${sent.words ?? sent.outcome}`,
    };
  }
  const message = await takeProbe(
    {
      ...{ host, settings, address: bareAddress(generation.host.network.address) },
      ...{ fingerprint: pair === null ? null : fingerprintOf(pair.chain[0]) },
      ...{ password: await readProbePassword(host, target.paths) },
      deadline: host.clock.now().getTime() + ARRIVAL_MS,
    },
    back,
    id,
  );
  return scan(host, target, message);
}
