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

describe('the time of a renewal', () => {
  test('is when a third of the lifetime is left, or a little earlier', () => {
    const left = until - renewalTime(leaf, null).at.getTime();
    expect(left / lifetime).toBeGreaterThanOrEqual(1 / 3);
    expect(left / lifetime).toBeLessThanOrEqual(1 / 3 + 1 / 60);
  });

  test('is always the same for one certificate, and different for two', () => {
    const { at } = renewalTime(leaf, null);
    expect(renewalTime(leaf, null).at).toEqual(at);
    expect(renewalTime(certificate('11'.repeat(16)), null).at).not.toEqual(at);
  });

  test("is within the CA's window where there is one", () => {
    const window = advice('2026-07-01T00:00:00Z', '2026-07-03T00:00:00Z');
    const { at, why } = renewalTime(leaf, window);
    expect(at.getTime()).toBeGreaterThanOrEqual(Date.parse(window.start));
    expect(at.getTime()).toBeLessThanOrEqual(Date.parse(window.end));
    expect(why).toContain("the CA's renewal information");
  });

  test('does not follow a window that is turned round or later than the end', () => {
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
    afterFailure(state, { now, message: 'it rains', retryAfter, refused });

  test('the scheduler waits, longer each time, and an operator need not', () => {
    const first = failed(null);
    const second = failed(null, false, first, after(MINUTE));
    expect(waitsUntil(first, START, false)).toEqual(after(20 * MINUTE));
    expect(waitsUntil(second, after(MINUTE), false)).toEqual(after(41 * MINUTE));
    expect(waitsUntil(second, after(MINUTE), true)).toBeNull();
  });

  test('the Retry-After of the CA binds everybody, for a week at the most', () => {
    expect(waitsUntil(failed(7200), START, true)).toEqual(after(7200_000));
    expect(waitsUntil(failed(10 ** 9), START, true)).toEqual(after(7 * DAY));
  });

  test('three refusals are the most in an hour, also by hand', () => {
    let state = NO_STATE;
    for (const minute of [0, 1, 2]) state = failed(null, true, state, after(minute * MINUTE));
    expect(waitsUntil(state, after(3 * MINUTE), true)).toEqual(after(60 * MINUTE));
    expect(waitsUntil(state, after(61 * MINUTE), true)).toBeNull();
  });

  test('what went wrong before the CA looked is no refusal', () => {
    let state = NO_STATE;
    for (const minute of [0, 1, 2, 3]) state = failed(null, false, state, after(minute * MINUTE));
    expect(waitsUntil(state, after(4 * MINUTE), true)).toBeNull();
  });

  test('a moment that a wrong clock has remembered binds nobody', () => {
    const state = { ...NO_STATE, notBefore: '2099-01-01T00:00:00.000Z', limitedByCa: true };
    expect(waitsUntil(state, START, false)).toBeNull();
    expect(recentFailures(['2099-01-01T00:00:00.000Z'], START)).toEqual([]);
  });
});

describe('the end of a certificate', () => {
  const warning = (days: number) => expiryWarning(leaf, new Date(until - days * DAY));

  test('is spoken of louder at 14, 7 and 3 days', () => {
    expect(warning(15)).toBeNull();
    expect(warning(13.5)).toMatchObject({ severity: 'note', daysLeft: 13 });
    expect(warning(6.5)).toMatchObject({ severity: 'warning', daysLeft: 6 });
    expect(warning(2.5)).toMatchObject({ severity: 'error', daysLeft: 2 });
    expect(warning(0.5)?.message).toContain('EXPIRES TODAY');
    expect(warning(-1)?.message).toContain('THE CERTIFICATE EXPIRED');
  });

  test('is not spoken of while the clock is wrong', () => {
    expect(expiryWarning(leaf, new Date('1970-01-02T00:00:00Z'))).toBeNull();
    expect(expiryWarning(leaf, new Date('2199-01-02T00:00:00Z'))).toBeNull();
  });
});
