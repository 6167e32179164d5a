// The scheduler against a clock that is driven by hand; its jobs are real processes.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createWorld, HOUR, MINUTE, START, type World } from './world.ts';

const SCHEDULE = '/srv/mailserver/schedule.json';
const CALL = '--config /etc/config/mailserver --no-color wan-changed';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.remove());

const record = () => JSON.parse(world.read(SCHEDULE) ?? '{}').jobs.addresses;

test('no job runs and no file is written while no job is due', async () => {
  await world.serveFor(24 * HOUR);

  expect(world.calls()).toEqual([]);
  expect(world.read(SCHEDULE)).toBeNull();
  expect(world.said).toEqual([]);
  expect(new Set(world.sleeps)).toEqual(new Set([5 * MINUTE]));
});

test('a job that becomes due runs once within minutes, and the run is stored', async () => {
  world.program(`sed -i s/192.0.2.1/192.0.2.7/ "$(dirname "$0")/../srv/mailserver/dns/state.json"`);

  await world.serveFor(24 * HOUR, [[HOUR, () => world.wan('192.0.2.7')]]);

  expect(world.calls()).toEqual([CALL]);
  expect(record()).toMatchObject({ outcome: 'done', status: 0, failures: 0, said: '' });
  expect(new Date(record().last).getTime()).toBeLessThan(START.getTime() + 2 * HOUR);
});

test('a failed job is retried at growing intervals, and its last output is stored', async () => {
  world.wan('192.0.2.7');
  world.program('echo "error: no way out" >&2; exit 69');

  await world.serveFor(24 * HOUR);

  // after 5, 10, 20, 40, 80, 160, 320 and then every 360 minutes
  expect(world.calls()).toHaveLength(10);
  expect(record()).toMatchObject({ outcome: 'failed', status: 69, said: 'error: no way out' });
});

test('a job that has to wait is retried at least every hour', async () => {
  world.wan('192.0.2.7');
  world.program('exit 75');

  await world.serveFor(24 * HOUR);

  expect(world.calls().length).toBeGreaterThan(20);
  expect(record()).toMatchObject({ outcome: 'later', status: 75 });
});

test('a job that succeeds but stays due does not run in a loop', async () => {
  world.wan('192.0.2.7');

  await world.serveFor(HOUR);

  expect(world.calls()).toHaveLength(6);
});

test('a restart keeps the retry pause', async () => {
  world.wan('192.0.2.7');
  world.program('exit 69');
  await world.serveFor(3 * HOUR);
  const calls = world.calls().length;

  await world.serveFor(MINUTE);

  expect(world.calls()).toHaveLength(calls);
});

test('a changed UCI file ends the retry pause of a failed job', async () => {
  world.wan('192.0.2.7');
  world.program('exit 69');
  await world.serveFor(12 * HOUR);
  const calls = world.calls().length;

  await world.serveFor(10 * MINUTE, [[5 * MINUTE, () => world.uci('# corrected\n')]]);

  expect(world.calls()).toHaveLength(calls + 1);
});

describe('a clock', () => {
  test('in 1970 suspends all jobs, and this is logged once', async () => {
    world.wan('192.0.2.7');
    world.now = new Date('1970-01-01T00:00:30Z');

    await world.serveFor(24 * HOUR);

    expect(world.calls()).toEqual([]);
    expect(world.said).toEqual([
      'jobs are suspended until the clock is set: it shows the year 1970',
    ]);
  });

  test('that jumps 56 years ahead makes every job due once', async () => {
    world.wan('192.0.2.7');
    world.program('exit 69');
    world.now = new Date('1970-01-01T00:00:30Z');
    const jump = () => {
      world.now = START;
    };

    await world.serveFor(24 * MINUTE, [[20 * MINUTE, jump]]);

    expect(world.calls()).toHaveLength(1);
  });

  test('that was decades ahead for a while does not suspend jobs for decades', async () => {
    world.wan('192.0.2.7');
    world.program('exit 69');
    world.now = new Date('2040-06-01T00:00:00Z');
    await world.serveFor(3 * HOUR);
    const calls = world.calls().length;
    world.now = START;

    await world.serveFor(4 * MINUTE);

    expect(world.calls()).toHaveLength(calls + 1);
  });

  test('that goes back an hour does not repeat jobs in a loop', async () => {
    world.wan('192.0.2.7');
    world.program('exit 69');
    const back = () => {
      world.now = new Date(world.now.getTime() - HOUR);
    };

    await world.serveFor(2 * HOUR, [[30 * MINUTE, back]]);

    expect(world.calls().length).toBeLessThan(6);
  });
});

test('a damaged schedule is set aside, logged, and replaced by an empty one', async () => {
  world.wan('192.0.2.7');
  world.write(SCHEDULE, '{"v":1,"jobs":{"addr');

  await world.serveFor(MINUTE);

  const aside = /renamed to (\S+);/.exec(world.said[0] ?? '')?.[1] ?? '';
  expect(aside).toMatch(/schedule\.json\.damaged-\d{8}T\d{6}Z$/);
  expect(world.read(aside)).toBe('{"v":1,"jobs":{"addr');
  expect(world.said[0]).toStartWith(`${SCHEDULE} is damaged: it is not JSON; `);
  expect(record().outcome).toBe('done');
});

test('an invalid UCI file suspends all jobs until it is corrected', async () => {
  const wrong = () => world.uci('', 'perhaps');
  const right = () => world.uci();
  const moved = () => world.wan('192.0.2.7');

  await world.serveFor(40 * MINUTE, [
    [5 * MINUTE, wrong],
    [10 * MINUTE, moved],
    [30 * MINUTE, () => expect(world.calls()).toEqual([])],
    [31 * MINUTE, right],
  ]);

  expect(world.calls()).toHaveLength(1);
  const complaints = world.said.filter((line) => line.includes('until the UCI file is corrected'));
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toContain('enabled');
});

test.each([
  ['is switched off', () => world.uci('', '0'), 'main.enabled is 0'],
  [
    'has gone',
    () => world.host.files.remove('/srv/lxc/box/config'),
    'until the mail server is installed',
  ],
])('no job runs for a server that %s', async (_, make, words) => {
  world.wan('192.0.2.7');
  await make();

  await world.serveFor(HOUR);

  expect(world.calls()).toEqual([]);
  expect(world.said).toHaveLength(1);
  expect(world.said[0]).toContain(words);
});

test('a damaged state file of one part is logged and does not stop other jobs', async () => {
  world.write('/srv/mailserver/dns/state.json', 'garbage');

  await world.serveFor(HOUR);

  expect(world.said).toEqual([
    'addresses cannot be planned: /srv/mailserver/dns/state.json is damaged: it is not JSON',
  ]);
});

test('a missing program counts as a failed job', async () => {
  world.wan('192.0.2.7');
  await world.host.files.remove('/bin/job');

  await world.serveFor(MINUTE);

  expect(record()).toMatchObject({ outcome: 'failed', status: 69 });
  expect(record().said).toContain('is not installed');
});

test('a read-only disk does not repeat jobs in a loop, and is logged once', async () => {
  world.wan('192.0.2.7');
  world.program('exit 69');
  // a folder in the place of the file
  world.write(`${SCHEDULE}/in-the-way`, '');

  await world.serveFor(HOUR);

  expect(world.calls()).toEqual([]);
  expect(world.said).toHaveLength(1);
  expect(world.said[0]).toContain('schedule.json');
});

test('the schedule is kept in memory while it cannot be written', async () => {
  world.wan('192.0.2.7');
  world.program(`rm -rf "$(dirname "$0")/../srv/mailserver/schedule.json"
mkdir -p "$(dirname "$0")/../srv/mailserver/schedule.json/x"
exit 69`);

  await world.serveFor(MINUTE);

  expect(world.calls()).toHaveLength(1);
  expect(world.said.at(-1)).toContain('schedule.json');
});

test('another container in the UCI file ends the scheduler', async () => {
  const other = () =>
    world.write(
      '/etc/config/mailserver',
      "config mailserver 'main'\n\toption enabled '1'\n\toption container 'other'\n",
    );

  await expect(world.serveFor(HOUR, [[5 * MINUTE, other]])).rejects.toThrow(
    'main.container has changed',
  );
});
