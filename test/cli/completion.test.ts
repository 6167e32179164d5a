// mailctl completion: the shells accept the scripts, which are made from the command tree.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createRouter, type Router } from './router.ts';

let router: Router;
beforeAll(() => {
  router = createRouter();
});
afterAll(() => router.remove());

async function script(shell: string): Promise<string> {
  const { status, stdout } = await router.mailctl(`completion ${shell}`);
  expect(status).toBe(0);
  return router.write(`/completion.${shell}`, stdout);
}

function run(...argv: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(argv);
  expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: '' });
  return stdout.toString();
}

/** The completions that bash offers for the last of these words. */
async function offered(...words: string[]): Promise<string[]> {
  const ask = `. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mailctl; echo "\${COMPREPLY[*]}"`;
  return run('bash', '--norc', '-c', ask, await script('bash'), 'mailctl', ...words)
    .trim()
    .split(' ');
}

test('bash completes words, words of a group, options and files', async () => {
  expect(await offered('st')).toEqual(['start', 'stop', 'status']);
  expect(await offered('--json', 'queue', 'de')).toEqual(['delete']);
  expect(await offered('queue', 'delete', '--y')).toEqual(['--yes']);
  expect(await offered('logs', '--da')).toEqual(['--daemon']);
  expect(await offered('--config', `${router.root}/comp`)).toContain(
    `${router.root}/completion.bash`,
  );
});

test('an argument with the spelling of a command is skipped', async () => {
  expect(await offered('user', 'add', 'list', '--qu')).toEqual(['--quota', '--quiet']);
});

test('ash gets a function that lists the words', async () => {
  const list = run('busybox', 'ash', '-c', '. "$0"; mailctl_words queue', await script('ash'));

  expect(list.split('\n').slice(0, 3)).toEqual(['list', 'show', 'flush']);
});

test.each(['zsh', 'fish'])('%s accepts its script', async (shell) => {
  const path = await script(shell);
  // neither is needed to build or test anything else
  if (Bun.which(shell) !== null) run(shell, '-n', path);
  expect(await Bun.file(path).text()).toContain('queue delete');
});

test('an unknown shell is refused with the list of shells', async () => {
  const { status, stderr } = await router.mailctl('completion tcsh');

  expect(status).toBe(64);
  expect(stderr).toContain('ash, bash, zsh, fish');
});
