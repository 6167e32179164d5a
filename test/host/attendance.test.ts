import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPrograms } from '../../src/host/programs.ts';

const programs = createPrograms(process.env);
const HOST = join(import.meta.dir, '../../src/host/host.ts');

async function attendTo(script: string, end = new AbortController()) {
  const lines: string[] = [];
  const heard = (line: string) => {
    lines.push(line);
    if (line === 'ready') end.abort();
  };
  const ending = await programs.attend(['sh', '-c', script], { end: end.signal, heard });
  return { lines, ending };
}

test('the lines of a program that stays arrive without control characters, and its end is told', async () => {
  const { lines, ending } = await attendTo(`printf 'one\\n\\033[2Jtwo\\nrest'; exit 3`);

  expect(lines).toEqual(['one', '[2Jtwo', 'rest']);
  expect(ending).toEqual({ status: 3, signal: null });
});

test('a program that stays is asked to end', async () => {
  const script = `trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done`;

  const { lines, ending } = await attendTo(script);

  expect(lines).toEqual(['ready', 'bye']);
  expect(ending).toEqual({ status: 0, signal: null });
});

test('a program that does not end when asked is killed with its children', async () => {
  const { ending } = await attendTo(`trap '' TERM; echo ready; while :; do sleep 100; done`);

  expect(ending).toEqual({ status: null, signal: 'SIGKILL' });
});

test('a missing program is an error', async () => {
  const { signal } = new AbortController();
  const options = { end: signal, heard: () => undefined };

  await expect(programs.attend(['/no/such'], options)).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
  });
});

test('a program hears that the process that attends it was killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mailctl-attend-'));
  const told = join(folder, 'told');
  const start = `const { createHost } = await import(${JSON.stringify(HOST)});
    const host = createHost({ root: '/', env: process.env, say: () => undefined });`;
  const child = `${start}
    host.processes.onParentEnd(() => { require('fs').writeFileSync('${told}', ''); process.exit(); });
    console.log('ready');`;
  const parent = `${start}
    await host.programs.attend([process.execPath, '-e', ${JSON.stringify(child)}],
      { end: new AbortController().signal, heard: (line) => console.log(line) });`;
  try {
    const program = Bun.spawn([process.execPath, '-e', parent], { stdout: 'pipe' });
    const { value } = await program.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe('ready\n');

    program.kill('SIGKILL');

    for (let i = 0; i < 500 && !existsSync(told); i += 1) await Bun.sleep(20);
    expect(existsSync(told)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
