// Companions are real processes here; the clock is the real one.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type Bell, createBell } from '../../../src/appliance/schedule/bell.ts';
import {
  type Companion,
  keepCompanions,
  restartPause,
} from '../../../src/appliance/supervise/companions.ts';
import { createHost } from '../../../src/host/host.ts';
import { createWorld, type World } from '../schedule/world.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.remove());

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    if (holds()) return;
    await Bun.sleep(20);
  }
  throw new Error(`not within 10 s: ${what}; said ${world.said.join('; ')}`);
}

/** The host name has the domain appended. */
function wanted(hostname: string): string[] | null {
  const [name = ''] = hostname.split('.');
  return name === 'none' ? null : ['listen', name];
}

/** Keeps one companion, whose words are the host name in the UCI file; none when that is `none`. */
async function keeping(work: (bell: Bell) => Promise<void>): Promise<void> {
  const end = new AbortController();
  const bell = createBell();
  const root = world.host.files.path('/');
  const host = createHost({ root, env: process.env, say: () => undefined });
  const companion: Companion = {
    name: 'listener',
    words: ({ settings }) => wanted(settings.main.hostname),
  };
  const serving = {
    ...{ readTarget: world.target, target: await world.target(), end: end.signal, bell },
    ...{ program: [join(root, 'bin/job')], random: () => 0 },
    log: (text: string) => world.said.push(text),
  };
  const kept = keepCompanions(host, serving, [companion]);
  try {
    await work(bell);
  } finally {
    end.abort();
    bell.ring();
    await kept;
  }
}

const named = (hostname: string) =>
  world.write(
    '/etc/config/mailserver',
    `config mailserver 'main'\n\toption hostname '${hostname}'\n\toption container 'box'\n`,
  );

const STAYS = 'echo "ready $*"; exec sleep 1000';

test('a companion follows the UCI file: other words, none, and again', async () => {
  world.program(STAYS);
  named('one');
  const calls = () => world.calls().map((call) => call.replace(/^.* listen/, 'listen'));

  await keeping(async (bell) => {
    await until('the first', () => calls().length === 1);
    named('second');
    bell.ring();
    await until('the second', () => calls().length === 2);
    named('none');
    bell.ring();
    await Bun.sleep(100);
    named('third');
    bell.ring();
    await until('the third', () => calls().length === 3);
  });

  expect(calls()).toEqual(['listen one', 'listen second', 'listen third']);
  expect(world.said.filter((text) => text.includes('ended'))).toEqual([]);
});

test('a companion that ends is started again, and its last words are in the log', async () => {
  world.program('echo "out of luck" >&2; exit 69');
  named('one');

  await keeping(async () => until('a second start', () => world.calls().length >= 2));

  expect(world.said.slice(0, 3)).toEqual([
    'listener begins',
    'listener: out of luck',
    'listener ended with status 69',
  ]);
});

test('pauses before a restart grow from one second to five minutes', () => {
  expect([1, 2, 3, 9, 10, 1000].map(restartPause)).toEqual([
    ...[1000, 2000, 4000, 256_000, 300_000, 300_000],
  ]);
});
