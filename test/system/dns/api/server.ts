// The APIs of OVH, Gandi and Cloudflare over HTTPS, writing into the zones of the test world. The accounts are
// read from a file at every request; each request is logged, without its credentials.
//   server.ts CERTIFICATE KEY ACCOUNTS-FILE LOG-FILE

import { appendFileSync, readFileSync } from 'node:fs';
import type { ProviderAccount } from './accounts.ts';
import { answerCloudflare } from './cloudflare.ts';
import { answerGandi } from './gandi.ts';
import { API_ADDRESS, PROVIDER_HOSTS } from './hosts.ts';
import { answerOvh } from './ovh.ts';

const [certificate = '', key = '', accountsFile = '', log = ''] = process.argv.slice(2);
const answers = { ovh: answerOvh, gandi: answerGandi, cloudflare: answerCloudflare };

/** Time of the 429 of each account, by its fault. */
const told = new Map<string, number>();

function troubleOf(account: ProviderAccount | undefined): Response | null {
  const fault = account?.fault ?? '';
  if (fault === 'down') return new Response('<html>maintenance</html>', { status: 503 });
  if (fault === 'overload') {
    return Response.json(
      { message: 'slow down' },
      { status: 429, headers: { 'Retry-After': '900' } },
    );
  }
  if (!fault.startsWith('busy')) return null;
  const since = told.get(fault);
  if (since !== undefined && Date.now() - since >= 950) return null;
  if (since === undefined) told.set(fault, Date.now());
  return Response.json({ message: 'slow down' }, { status: 429, headers: { 'Retry-After': '1' } });
}

/** Serializes the requests. */
let last: Promise<unknown> = Promise.resolve();

async function answer(request: Request): Promise<Response> {
  const body = await request.text();
  const provider = PROVIDER_HOSTS[new URL(request.url).hostname];
  if (provider === undefined) return new Response('unknown host', { status: 421 });
  const all = JSON.parse(readFileSync(accountsFile, 'utf8')) as ProviderAccount[];
  const accounts = all.filter((account) => account.provider === provider);
  const headers = JSON.stringify([...request.headers]);
  const own = accounts.find(({ credentials }) =>
    ['app_key', 'api_key', 'api_token'].some((name) => headers.includes(credentials[name] ?? '\0')),
  );
  const trouble = troubleOf(own);
  const given = trouble ?? (await answers[provider](request, body, accounts));
  const { pathname, search } = new URL(request.url);
  appendFileSync(
    log,
    `${given.status} ${request.method} ${provider} ${pathname}${search} ${body}\n`,
  );
  return given;
}

Bun.serve({
  ...{ hostname: API_ADDRESS, port: 443, idleTimeout: 60 },
  tls: { cert: Bun.file(certificate), key: Bun.file(key) },
  fetch: (request) => {
    const turn = last.then(() => answer(request));
    last = turn.catch(() => undefined);
    return turn;
  },
});
