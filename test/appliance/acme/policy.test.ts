import { describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import {
  afterFailure,
  expiryWarning,
  recentFailures,
  renewalTime,
  waitsUntil,
} from '../../../src/appliance/acme/policy.ts';
import { NO_STATE, type RenewalAdvice } from '../../../src/appliance/acme/state.ts';
import { validFrom, validUntil } from '../../../src/appliance/tls/certificate.ts';
import { makeSelfSigned } from '../../../src/appliance/tls/selfsigned.ts';

const START = new Date('2026-06-01T00:00:00Z');
const MINUTE = 60_000;
const DAY = 86_400_000;
const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 2048 });

function certificate(serial = '00'.repeat(16)) {
  return makeSelfSigned({ names: ['mail.example.com'], key, serial, now: START }).chain[0];
}

const leaf = certificate();
const until = validUntil(leaf).getTime();
const lifetime = until - validFrom(leaf).getTime();
const advice = (start: string, end: string): RenewalAdvice => ({
  ...{ certificate: 'a.b', start, end, askAgainAt: start },
});

describe('the renewal time', () => {
  test('is at a third of the lifetime before the end, or up to a sixtieth earlier', () => {
    const left = until - renewalTime(leaf, null).at.getTime();
    expect(left / lifetime).toBeGreaterThanOrEqual(1 / 3);
    expect(left / lifetime).toBeLessThanOrEqual(1 / 3 + 1 / 60);
  });

  test('is constant for one certificate and differs between two', () => {
    const { at } = renewalTime(leaf, null);
    expect(renewalTime(leaf, null).at).toEqual(at);
    expect(renewalTime(certificate('11'.repeat(16)), null).at).not.toEqual(at);
  });

  test("is within the CA's window if it has one", () => {
    const window = advice('2026-07-01T00:00:00Z', '2026-07-03T00:00:00Z');
    const { at, why } = renewalTime(leaf, window);
    expect(at.getTime()).toBeGreaterThanOrEqual(Date.parse(window.start));
    expect(at.getTime()).toBeLessThanOrEqual(Date.parse(window.end));
    expect(why).toContain("the CA's renewal information");
  });

  test('ignores a window that ends before it begins or starts after the expiry', () => {
    const own = renewalTime(leaf, null);
    for (const [start, end] of [
      ['2026-07-03T00:00:00Z', '2026-07-01T00:00:00Z'],
      ['2090-01-01T00:00:00Z', '2090-01-02T00:00:00Z'],
      ['never', 'ever'],
    ] as const) {
      expect(renewalTime(leaf, advice(start, end))).toEqual(own);
    }
  });
});

describe('after a failure', () => {
  const after = (ms: number) => new Date(START.getTime() + ms);
  const failed = (retryAfter: number | null, refused = false, state = NO_STATE, now = START) =>
    afterFailure(state, { now, message: 'timed out', retryAfter, refused });

  test('the scheduler waits with increasing pauses, and an operator need not wait', () => {
    const first = failed(null);
    const second = failed(null, false, first, after(MINUTE));
    expect(waitsUntil(first, START, false)).toEqual(after(20 * MINUTE));
    expect(waitsUntil(second, after(MINUTE), false)).toEqual(after(41 * MINUTE));
    expect(waitsUntil(second, after(MINUTE), true)).toBeNull();
  });

  test('Retry-After also delays manual attempts, for at most a week', () => {
    expect(waitsUntil(failed(7200), START, true)).toEqual(after(7200_000));
    expect(waitsUntil(failed(10 ** 9), START, true)).toEqual(after(7 * DAY));
  });

  test('at most three refused attempts an hour are allowed, also manual ones', () => {
    let state = NO_STATE;
    for (const minute of [0, 1, 2]) state = failed(null, true, state, after(minute * MINUTE));
    expect(waitsUntil(state, after(3 * MINUTE), true)).toEqual(after(60 * MINUTE));
    expect(waitsUntil(state, after(61 * MINUTE), true)).toBeNull();
  });

  test('a failure before the CA validates does not count as a refusal', () => {
    let state = NO_STATE;
    for (const minute of [0, 1, 2, 3]) state = failed(null, false, state, after(minute * MINUTE));
    expect(waitsUntil(state, after(4 * MINUTE), true)).toBeNull();
  });

  test('a time that was stored under a wrong clock is ignored', () => {
    const state = { ...NO_STATE, notBefore: '2099-01-01T00:00:00.000Z', limitedByCa: true };
    expect(waitsUntil(state, START, false)).toBeNull();
    expect(recentFailures(['2099-01-01T00:00:00.000Z'], START)).toEqual([]);
  });
});

describe('the expiry warning', () => {
  const warning = (days: number) => expiryWarning(leaf, new Date(until - days * DAY));

  test('is a note at 14 days, a warning at 7 and an error at 3', () => {
    expect(warning(15)).toBeNull();
    expect(warning(13.5)).toMatchObject({ severity: 'note', daysLeft: 13 });
    expect(warning(6.5)).toMatchObject({ severity: 'warning', daysLeft: 6 });
    expect(warning(2.5)).toMatchObject({ severity: 'error', daysLeft: 2 });
    expect(warning(0.5)?.message).toContain('expires today');
    expect(warning(-1)?.message).toContain('the certificate expired on');
  });

  test('is absent while the clock is wrong', () => {
    expect(expiryWarning(leaf, new Date('1970-01-02T00:00:00Z'))).toBeNull();
    expect(expiryWarning(leaf, new Date('2199-01-02T00:00:00Z'))).toBeNull();
  });
});
