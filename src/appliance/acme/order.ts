// One ACME order, up to the checked certificate. The order is stored as soon as it is placed, so that the
// next run continues an interrupted one.

import type { KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { array, object, string } from 'valibot';
import { MailctlError } from '../../errors.ts';
import {
  AcmeError,
  type AcmeOrder,
  type AcmeSession,
  createRequest,
  isPubliclyIssued,
} from '../../host/acme.ts';
import { pollUntil } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import { presentable } from '../../host/programs.ts';
import type { Appliance } from '../appliance.ts';
import { type OpenState, openState, type StateFile } from '../container/state-file.ts';
import type { Paths } from '../paths.ts';
import {
  type CertificatePair,
  isSelfSigned,
  pairProblems,
  parseChain,
} from '../tls/certificate.ts';
import { keyDigest } from '../tls/keys.ts';
import { answerChallenges, challengeProblems, removeChallenges } from './challenges.ts';
import type { AcmeMemory } from './memory.ts';

export interface CertificateRequest {
  readonly names: readonly [string, ...string[]];
  readonly key: KeyObject;
  /** Identifier of the certificate that this one replaces (RFC 9773 5). */
  readonly replaces: string | null;
}

interface RememberedOrder {
  readonly directory: string;
  readonly url: string;
  readonly names: readonly string[];
  /** SHA-256 of the certificate's public key. */
  readonly key: string;
}

const ORDER_TIMEOUT_MS = 180_000;
const POLL_MS = 1000;
/** Upper bound for the CA's Retry-After while polling an order. */
const LONGEST_PAUSE_S = 30;

/** Null without a pending order. */
export const ORDER: StateFile<RememberedOrder | null> = {
  path: (paths) => join(paths.acme, 'order.json'),
  schema: object({ directory: string(), url: string(), names: array(string()), key: string() }),
  empty: null,
  ownFolder: true,
  whenDamaged: { goOnWith: async () => null, lost: 'the next ssl-renew places a new order' },
};

/** One order and its state file. */
interface Ordering {
  readonly session: AcmeSession;
  readonly request: CertificateRequest;
  readonly memory: Pick<AcmeMemory, 'dns'>;
  readonly order: OpenState<RememberedOrder | null>;
}

/** The interrupted order for the same key and names; null when the CA does not know it or it is invalid. */
async function resume(host: Host, work: Ordering): Promise<AcmeOrder | null> {
  const { session, request } = work;
  const left = work.order.current;
  const same =
    left?.directory === session.directory &&
    left.key === keyDigest(request.key) &&
    left.names.join() === request.names.join();
  if (!same) return null;
  try {
    const order = await session.client.getOrder({ url: left.url } as AcmeOrder);
    if (order.status === 'invalid') return null;
    host.say('continuing the order of an earlier run');
    return order;
  } catch (error) {
    if (error instanceof AcmeError && error.code === 'ACME_REFUSED') return null;
    throw error;
  }
}

async function placeOrder(work: Ordering): Promise<AcmeOrder> {
  const { session, request } = work;
  const identifiers = request.names.map((value) => ({ type: 'dns', value }));
  const { renewalInfo } = session.resources;
  const replaces = renewalInfo === undefined ? null : request.replaces;
  const create = (more: object) => session.client.createOrder({ identifiers, ...more });
  let order: AcmeOrder;
  try {
    order = await create(replaces === null ? {} : { replaces });
  } catch (error) {
    // RFC 9773 5: a CA may refuse "replaces", which is optional
    if (replaces === null || !(error instanceof AcmeError) || error.code !== 'ACME_REFUSED') {
      throw error;
    }
    order = await create({});
  }
  const { directory } = session;
  const { names, key } = request;
  await work.order.write({ directory, url: order.url, names, key: keyDigest(key) });
  return order;
}

/** Polls until the order has one of these states. Throws when it becomes invalid or times out. */
async function awaitOrder(
  host: Host,
  session: AcmeSession,
  { order, states }: { order: AcmeOrder; states: readonly string[] },
): Promise<AcmeOrder> {
  let first = true;
  const done = await pollUntil(
    host.clock,
    { timeout: ORDER_TIMEOUT_MS, interval: POLL_MS },
    async () => {
      const asked = session.retryAfter();
      if (!first && asked !== null) {
        await host.clock.sleep(Math.min(asked, LONGEST_PAUSE_S) * 1000);
      }
      first = false;
      const now = await session.client.getOrder(order);
      return now.status === 'invalid' || states.includes(now.status) ? now : null;
    },
  );
  if (done === null) {
    throw new AcmeError(
      'ACME_LIMITED',
      `timed out: the CA has not finished the order after ${ORDER_TIMEOUT_MS / 1000} s`,
      session.retryAfter(),
    );
  }
  if (done.status !== 'invalid') return done;
  const problems = challengeProblems(await session.client.getAuthorizations(done));
  const { error } = done as { error?: { detail?: string } };
  const why = problems.length > 0 ? problems.join('; ') : (error?.detail ?? 'no reason given');
  throw new AcmeError(
    'ACME_REFUSED',
    `the CA did not validate the challenge: ${presentable(why)}`,
    null,
  );
}

async function prove(
  host: Host,
  target: Appliance,
  { session, memory, order }: Pick<Ordering, 'session' | 'memory'> & { order: AcmeOrder },
): Promise<AcmeOrder> {
  try {
    const authorizations = await session.client.getAuthorizations(order);
    await answerChallenges(host, target, { session, authorizations, dns: memory.dns });
    return await awaitOrder(host, session, { order, states: ['ready', 'processing', 'valid'] });
  } finally {
    await removeChallenges(host, target, memory.dns);
  }
}

async function finalize(
  host: Host,
  {
    session,
    order,
    request,
  }: { session: AcmeSession; order: AcmeOrder; request: CertificateRequest },
): Promise<string> {
  let done = order;
  if (order.status === 'ready') {
    const pem = request.key.export({ type: 'pkcs8', format: 'pem' }).toString();
    done = await session.client.finalizeOrder(order, await createRequest(request.names, pem));
  }
  if (done.status !== 'valid') {
    done = await awaitOrder(host, session, { order: done, states: ['valid'] });
  }
  const text: unknown = await session.client.getCertificate(done);
  if (typeof text === 'string') return text;
  throw new AcmeError('ACME_REFUSED', 'the CA did not send a PEM certificate', null);
}

function chainGap({ chain }: CertificatePair): string[] {
  const last = chain[chain.length - 1] as X509Certificate;
  if (chain.length > 1 || isSelfSigned(last)) return [];
  return isPubliclyIssued(last) ? [] : ['its chain lacks the issuer certificate'];
}

/** Throws CERTIFICATE_INVALID with all problems, before the pair is installed. */
function checkIssued(host: Host, text: string, request: CertificateRequest): CertificatePair {
  const pair = { chain: parseChain(text, 'the answer of the CA'), key: request.key };
  const now = host.clock.now();
  const problems = [...pairProblems(pair, { names: request.names, now }), ...chainGap(pair)];
  if (problems.length === 0) return pair;
  const message = `the certificate from the CA is not usable: ${problems.join('; ')}`;
  throw new MailctlError('CERTIFICATE_INVALID', message, { hint: 'mailctl ssl-status' });
}

/** Call it when the certificate is installed, or when the order has failed. */
export async function forgetOrder(host: Host, paths: Paths): Promise<void> {
  await host.files.remove(ORDER.path(paths));
}

/**
 * Obtains a certificate for the key and checks it. Throws AcmeError; what `publishValues` throws;
 * CERTIFICATE_INVALID. Continues an interrupted order.
 */
export async function issue(
  host: Host,
  target: Appliance,
  wanted: Omit<Ordering, 'order'>,
): Promise<CertificatePair> {
  const { session, request, memory } = wanted;
  const { paths } = target;
  const work = { ...wanted, order: await openState(host, paths, ORDER) };
  let order = (await resume(host, work)) ?? (await placeOrder(work));
  try {
    if (order.status === 'pending') order = await prove(host, target, { session, memory, order });
    else await removeChallenges(host, target, memory.dns);
    return checkIssued(host, await finalize(host, { session, order, request }), request);
  } catch (error) {
    // a refused order cannot be continued
    const over =
      error instanceof MailctlError &&
      (error.code === 'ACME_REFUSED' || error.code === 'CERTIFICATE_INVALID');
    if (over) await forgetOrder(host, paths);
    throw error;
  }
}
