import { expect, test } from 'bun:test';
import { createPrograms } from '../../src/host/programs.ts';

const programs = createPrograms(process.env);

test('the error of a failed program has its exit status', async () => {
  await expect(programs.query(['sh', '-c', 'echo broken >&2; exit 3'])).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    message: 'sh ended with status 3: broken',
    status: 3,
    signal: undefined,
  });
});

test('the error of a killed program has the signal', async () => {
  await expect(programs.query(['sh', '-c', 'kill -KILL $$'])).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    message: 'sh was killed by SIGKILL',
    status: undefined,
    signal: 'SIGKILL',
  });
});
