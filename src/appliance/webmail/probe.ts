// Proves that webmail works: the HTTPS server shows the installed certificate, the login page comes from Roundcube, and
// Roundcube logs in to the mail server with the internal account.

import { MailctlError } from '../../errors.ts';
import { pollUntil } from '../../host/clock.ts';
import type { Dialogue } from '../../host/connect.ts';
import type { Host } from '../../host/host.ts';
import { PROBE_ADDRESS } from '../render/postfix.ts';
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
  /** Of the internal account. */
  readonly password: string;
}

const ATTEMPT_MS = 20_000;
const INTERVAL_MS = 250;

interface Answer {
  /** The first line, such as `HTTP/1.1 200 OK`. */
  readonly line: string;
  /** As the next request sends them. */
  readonly cookies: string;
}

async function readHead(talk: Dialogue): Promise<Answer> {
  const line = await talk.readLine();
  const cookies: string[] = [];
  for (;;) {
    const header = await talk.readLine();
    if (header === '') return { line, cookies: cookies.join('; ') };
    const cookie = /^set-cookie: *([^;]+)/i.exec(header)?.[1];
    if (cookie !== undefined) cookies.push(cookie);
  }
}

interface Request {
  readonly path: string;
  readonly cookies?: string;
  readonly form?: Readonly<Record<string, string>>;
}

/** HTTP/1.0: the server closes the connection behind its answer. Throws PROBE_FAILED for another certificate. */
async function ask<T>(
  host: Host,
  { address, port, name, fingerprint }: WebPlace,
  { request, read }: { request: Request; read: (talk: Dialogue) => Promise<T> },
): Promise<T> {
  const { path, cookies, form } = request;
  const target = { address, port, tls: true, serverName: name, timeout: ATTEMPT_MS };
  return host.sockets.dialogue(target, async (talk, certificate) => {
    if (certificate?.fingerprint !== fingerprint) {
      throw new MailctlError('PROBE_FAILED', `port ${port} shows another certificate`);
    }
    talk.send(`${form === undefined ? 'GET' : 'POST'} ${path} HTTP/1.0`);
    talk.send(`Host: ${name}`);
    if (cookies !== undefined) talk.send(`Cookie: ${cookies}`);
    if (form === undefined) talk.send('');
    else {
      const body = new URLSearchParams(form).toString();
      talk.send('Content-Type: application/x-www-form-urlencoded');
      talk.send(`Content-Length: ${body.length}`);
      talk.send('');
      talk.send(body);
    }
    return read(talk);
  });
}

const failed = (what: string, line: string) =>
  new MailctlError('PROBE_FAILED', `${what} answers: ${line}`);

/** The token of the login form, and the cookies that belong to it. */
async function readForm(talk: Dialogue): Promise<{ token: string; cookies: string }> {
  const { line, cookies } = await readHead(talk);
  if (!/^HTTP\/1\.[01] 200\b/.test(line)) throw failed('the login page of webmail', line);
  for (;;) {
    const token = /name="_token" value="([^"]+)"/.exec(await talk.readLine())?.[1];
    if (token !== undefined) return { token, cookies };
  }
}

async function logIn(host: Host, place: WebPlace): Promise<void> {
  const { token, cookies } = await ask(host, place, { request: { path: '/' }, read: readForm });
  const user = { _user: PROBE_ADDRESS, _pass: place.password };
  const form = { _token: token, _task: 'login', _action: 'login', _url: '', ...user };
  const request = { path: '/?_task=login', cookies, form };
  const { line } = await ask(host, place, { request, read: readHead });
  if (/ 302\b/.test(line)) return;
  throw failed('a login to webmail, with which it logs in to the mail server,', line);
}

async function attempt(host: Host, place: WebPlace): Promise<void> {
  if (place.webmail) await logIn(host, place);
  else await ask(host, place, { request: { path: '/' }, read: (talk) => talk.readLine() });
}

/** The place of a web container with these settings. */
export function webPlace(
  { main, web, webmail }: Settings,
  given: Pick<WebPlace, 'address' | 'fingerprint' | 'password'>,
): WebPlace {
  return { ...given, port: web.https, name: main.hostname, webmail: webmail.enabled };
}

/** Retries until webmail works; then throws the last error: PROBE_FAILED, CONNECTION_FAILED, TIMED_OUT. */
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
