// Proves that webmail works: the HTTPS server shows the installed certificate, and the login page comes from Roundcube.

import { MailctlError } from '../../errors.ts';
import { pollUntil } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import type { Settings } from '../settings/settings.ts';

export interface WebPlace {
  /** IPv4 of the web container. */
  readonly address: string;
  readonly port: number;
  /** Name for SNI and Host. */
  readonly name: string;
  /** SHA-256 of the certificate that must be shown. */
  readonly fingerprint: string;
  /** Roundcube serves the first page. */
  readonly webmail: boolean;
}

const ATTEMPT_MS = 8000;
const INTERVAL_MS = 250;

/** Throws PROBE_FAILED, CONNECTION_FAILED, TIMED_OUT. */
async function readStatus(host: Host, place: WebPlace): Promise<string> {
  const { address, port, name, fingerprint } = place;
  const target = { address, port, tls: true, serverName: name, timeout: ATTEMPT_MS };
  return host.sockets.dialogue(target, async (talk, certificate) => {
    if (certificate?.fingerprint !== fingerprint) {
      throw new MailctlError('PROBE_FAILED', `port ${port} shows another certificate`);
    }
    talk.send('GET / HTTP/1.0');
    talk.send(`Host: ${name}`);
    talk.send('');
    return talk.readLine();
  });
}

async function attempt(host: Host, place: WebPlace): Promise<string> {
  const line = await readStatus(host, place);
  if (!place.webmail || /^HTTP\/1\.[01] 200\b/.test(line)) return line;
  throw new MailctlError('PROBE_FAILED', `the login page of webmail answers: ${line}`);
}

/** The place of a web container with these settings. */
export function webPlace(
  { main, web, webmail }: Settings,
  given: Pick<WebPlace, 'address' | 'fingerprint'>,
): WebPlace {
  return { ...given, port: web.https, name: main.hostname, webmail: webmail.enabled };
}

/** Retries until the login page is served; then throws the last error. */
export async function probeWeb(host: Host, place: WebPlace, timeout: number): Promise<void> {
  let last: MailctlError | null = null;
  const done = await pollUntil(host.clock, { timeout, interval: INTERVAL_MS }, async () => {
    try {
      await attempt(host, place);
      return true;
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      last = error;
      return null;
    }
  });
  if (done === null) throw last ?? new MailctlError('TIMED_OUT', 'webmail did not answer');
}
