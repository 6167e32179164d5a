// The virus scanner: its own image, our own test signatures, and no message passes unscanned.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureImage } from '../../scripts/image.ts';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { startDaemon, stopDaemon } from './lab/daemon.ts';
import { type Lab, PASSWORD, settled, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { type Finished, waitFor } from './lab/programs.ts';

const ALICE = 'alice@example.test';
// The EICAR test file, split so that scanners do not match this source file
const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(
  '',
);

let lab: Lab;
let box: Appliance;
/** Answers before there are signatures, by the command. */
const unsigned = new Map<string, Finished>();

/** In place of freshclam, which cannot reach its mirror from the lab. */
async function addSignatures(): Promise<void> {
  await waitFor(
    'freshclam to have failed',
    async () => {
      const log = await box.log().catch(() => '');
      return /freshclam|clamav\.net/.test(log) ? true : undefined;
    },
    120_000,
  );
  const signatures = join(box.data, 'state/clamav');
  const hex = Buffer.from(EICAR).toString('hex');
  await writeFile(join(signatures, 'lab.ndb'), `Lab-Eicar:0:*:${hex}\n`);
  await lab.router.run(['chown', '-R', '100209:100209', signatures]);
}

beforeAll(async () => {
  lab = await startLab();
  box = await lab.prepare({
    main: { image: await ensureImage('antivirus'), memory: '2G' },
    features: { greylist: 0, virus_scan: 1 },
  });
  for (const words of ['install', 'config check']) unsigned.set(words, await box.mailctl(words));
  const installing = box.does('install --wait-for-signatures', { timeout: 300_000 });
  await Promise.all([installing, addSignatures()]);
  await settled(box, lab.wan);
  await box.does(`user add ${ALICE} --password-stdin`, { stdin: PASSWORD });
}, 900_000);

afterAll(() => lab?.down());

async function deliver(subject: string, body: string): Promise<number> {
  const from = 'visitor@outside.test';
  const message = plainMessage({ from, to: ALICE, subject }, body);
  const envelope = { from, to: [ALICE], message };
  return (await lab.wan.deliver(envelope, { from: NETWORK.stranger })).code;
}

test.each(['install', 'config check'])('%s without signatures is refused', (words) => {
  const { status, stderr = '' } = unsigned.get(words) ?? {};

  expect(status).toBe(69);
  expect(stderr).toContain('state/clamav has no virus signatures');
  expect(stderr).toContain('--wait-for-signatures');
});

describe('with virus_scan on', () => {
  test('a clean message arrives', async () => {
    const code = await waitFor(
      'the scanner to be ready',
      async () => {
        const answer = await deliver('clean', 'nothing to see here');
        return answer === 250 ? answer : undefined;
      },
      60_000,
    );

    expect(code).toBe(250);
  }, 90_000);

  test('a message with a virus is refused in the SMTP session', async () => {
    expect(await deliver('infected', EICAR)).toBe(554);
  });

  test('no message passes unscanned while the scanner is down', async () => {
    await stopDaemon(box, 'clamav');
    const code = await deliver('unscanned', 'clean, but who knows');
    await startDaemon(box, 'clamav');

    expect(Math.floor(code / 100)).toBe(4);
  }, 60_000);

  test('the standard image is refused, with both fixes named', async () => {
    const { status, stderr } = await box.mailctl(['install', '--image', lab.source.image]);

    expect(status).toBe(65);
    expect(stderr).toContain('has no ClamAV');
    expect(stderr).toContain('virus_scan 0');
  });

  test('with virus_scan off, the same message passes', async () => {
    await box.configure({ features: { virus_scan: 0 } });
    await box.does('apply');

    expect(await deliver('not looked at', EICAR)).not.toBe(554);
  }, 120_000);
});
