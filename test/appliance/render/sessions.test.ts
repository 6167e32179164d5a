import { expect, test } from 'bun:test';
import { smtpSessions } from '../../../src/appliance/render/sessions.ts';

const MiB = 2 ** 20;
/** A session of Postfix with its kernel memory, MiB, as measured. */
const SESSION = 2.4;

test.each([
  [128, 4, 3],
  [640, 4, 3],
  [703, 4, 3],
  [704, 6, 4],
  [895, 6, 4],
  [896, 8, 6],
  [4096, 8, 6],
])('with %p MB, one address has at most %p sessions on 25 and %p on 587', (memory, on25, on587) => {
  const { perAddress, perSubmittingAddress } = smtpSessions(memory * MiB);
  expect([perAddress, perSubmittingAddress]).toEqual([on25, on587]);
});

test.each([640, 704, 896, 1024])(
  'with %p MB, sessions on every port leave room for all other daemons',
  (memory) => {
    const { processes, submissionProcesses } = smtpSessions(memory * MiB);
    expect((processes + 2 * submissionProcesses) * SESSION).toBeLessThan(memory - 480);
  },
);

test('five addresses at their limit leave processes free', () => {
  for (const memory of [128, 512, 1024]) {
    const sessions = smtpSessions(memory * MiB);
    expect(sessions.processes - 5 * sessions.perAddress).toBeGreaterThanOrEqual(4);
    // each guess with a password holds one for 2 s and more
    expect(sessions.submissionProcesses - 5 * sessions.perSubmittingAddress).toBeGreaterThanOrEqual(
      6,
    );
  }
});
