// The behaviour of acme-client, and of its configurable HTTP client, that src/host/acme.ts relies on, to detect changes
// by an update. The CA is a small HTTP server whose answers each test sets.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { AcmeError, type AcmeSession, openAcme } from '../../src/host/acme.ts';
import { systemClock } from '../../src/host/clock.ts';
import { generateEcKey } from '../../src/host/keys.ts';

interface Heard {
  readonly path: string;
  readonly agent: string | null;
  readonly header: { nonce?: string; kid?: string };
  readonly payload: Record<string, unknown>;
}

const IDENTIFIERS = [{ type: 'dns', value: 'mail.example.com' }];
const PROBLEM = 'urn:ietf:params:acme:error:';

let ca: Bun.Server<undefined>;
let heard: Heard[];
let accountKey: string;
/** Number of nonces issued. */
let nonces: number;
/** Number of next signed messages whose nonce is refused. */
let badNonces: number;
/** The answer to an order. */
let answer: (payload: Record<string, unknown>) => Response;

const problem = (status: number, type: string, headers: Record<string, string> = {}) =>
  Response.json(
    { type: `${PROBLEM}${type}`, detail: `no: ${type}` },
    { status, headers: { 'Content-Type': 'application/problem+json', ...headers } },
  );

const decode = (text: string) =>
  text === '' ? {} : JSON.parse(Buffer.from(text, 'base64url').toString());

async function serve(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const at = (path: string) => new URL(path, ca.url).href;
  if (pathname === '/directory') {
    return Response.json({
      ...{ newNonce: at('/nonce'), newAccount: at('/account'), newOrder: at('/order') },
      ...{ renewalInfo: at('/renewal'), meta: { caaIdentities: ['ca.example'] } },
    });
  }
  if (pathname === '/renewal/known') {
    return Response.json({ suggestedWindow: {} }, { headers: { 'Retry-After': '600' } });
  }
  if (pathname.startsWith('/renewal/')) return new Response(null, { status: 404 });
  nonces += 1;
  const nonce = { 'Replay-Nonce': `nonce-${nonces}` };
  if (pathname === '/nonce') return new Response(null, { headers: nonce });
  const message = (await request.json()) as { protected: string; payload: string };
  const payload = decode(message.payload);
  const agent = request.headers.get('user-agent');
  heard.push({ path: pathname, agent, header: decode(message.protected), payload });
  if (badNonces > 0) {
    badNonces -= 1;
    return problem(400, 'badNonce', nonce);
  }
  if (pathname === '/order') return answer(payload);
  const headers = { ...nonce, Location: at('/account/1') };
  return Response.json({ status: 'valid' }, { status: 201, headers });
}

beforeEach(async () => {
  heard = [];
  badNonces = 0;
  nonces = 0;
  answer = () =>
    Response.json(
      { status: 'pending', authorizations: [], finalize: 'x' },
      { status: 201, headers: { Location: 'https://ca.example/order/1' } },
    );
  accountKey = (await generateEcKey()).export({ type: 'pkcs8', format: 'pem' }).toString();
  ca = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: serve });
});
afterEach(() => ca.stop(true));

const open = (directory = new URL('/directory', ca.url).href): Promise<AcmeSession> =>
  openAcme(systemClock, {
    ...{ directory, accountKey, contact: 'it@example.com', binding: null, trusted: null },
  });

const order = async (session: AcmeSession, more = {}) =>
  session.client.createOrder({ identifiers: IDENTIFIERS, ...more });

async function failure(work: Promise<unknown>): Promise<AcmeError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AcmeError)) throw new Error(`not an AcmeError: ${error}`);
  return error;
}

const orders = () => heard.filter(({ path }) => path === '/order');

describe('a session with a CA', () => {
  test('creates the account with the contact, sends its own User-Agent, and returns the directory unchanged', async () => {
    const session = await open();

    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatchObject({
      ...{ path: '/account', agent: 'mailctl' },
      payload: { termsOfServiceAgreed: true, contact: ['mailto:it@example.com'] },
    });
    expect(session.resources).toMatchObject({
      renewalInfo: new URL('/renewal', ca.url).href,
      meta: { caaIdentities: ['ca.example'] },
    });
  });

  test('sends fields unknown to the library, such as the replaced certificate (RFC 9773)', async () => {
    await order(await open(), { replaces: 'aki.serial', profile: 'shortlived' });

    expect(orders()[0]?.payload).toEqual({
      ...{ identifiers: IDENTIFIERS, replaces: 'aki.serial', profile: 'shortlived' },
    });
  });

  test('reads unsigned resources, with Retry-After', async () => {
    const session = await open();

    expect(await session.read(new URL('/renewal/known', ca.url).href)).toEqual({
      ...{ data: { suggestedWindow: {} }, retryAfter: 600 },
    });
    expect(await session.read(new URL('/renewal/other', ca.url).href)).toBeNull();
  });
});

describe('a refused nonce', () => {
  test('is replaced by the nonce of the refusal, 20 times in a row', async () => {
    const session = await open();
    badNonces = 20;

    expect(await order(session)).toMatchObject({ status: 'pending' });

    expect(orders()).toHaveLength(21);
    expect(new Set(orders().map(({ header }) => header.nonce)).size).toBe(21);
  });

  test('is an error when every nonce is refused', async () => {
    const session = await open();
    badNonces = 1000;

    const { code, message } = await failure(order(session));

    expect({ code, message }).toEqual({
      code: 'ACME_REFUSED',
      message: `${ca.url.host} refuses: badNonce: no: badNonce`,
    });
    expect(orders().length).toBeLessThanOrEqual(30);
  });
});

describe('a failing CA gets one request and is quoted', () => {
  test.each([
    [429, 'rateLimited', 'ACME_LIMITED', 'rate limits requests: no: rateLimited'],
    [503, 'serverInternal', 'ACME_UNREACHABLE', 'failed: no: serverInternal'],
    [403, 'unauthorized', 'ACME_REFUSED', 'refuses: unauthorized: no: unauthorized'],
  ])('with status %d (%s)', async (status, type, code, text) => {
    const session = await open();
    answer = () => problem(status, type, { 'Retry-After': '120' });

    const error = await failure(order(session));

    expect(orders()).toHaveLength(1);
    expect<string>(error.code).toBe(code);
    expect(error.message).toBe(`${ca.url.host} ${text}`);
    expect(error.retryAfter).toBe(120);
  });

  test('with an answer that is not JSON', async () => {
    const session = await open();
    answer = () => new Response('<html>maintenance</html>', { status: 502 });

    const error = await failure(order(session));

    expect(orders()).toHaveLength(1);
    expect(error.message).toBe(`${ca.url.host} failed: HTTP status 502`);
  });

  test('with an invalid directory', async () => {
    const { message } = await failure(open(new URL('/renewal/none', ca.url).href));

    expect(message).toEndWith('/renewal/none is not an ACME directory (RFC 8555 7.1.1)');
    expect(heard).toEqual([]);
  });

  test('without a connection', async () => {
    const url = new URL('/directory', ca.url).href;
    await ca.stop(true);

    const { code, message } = await failure(open(url));

    expect<string>(code).toBe('ACME_UNREACHABLE');
    expect(message).toStartWith(`${url} cannot be reached: `);
  });
});
