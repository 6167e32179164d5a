// npm run bench [-- --json FILE] [--only mail,commands,install,sizes,serve,web]: the figures of the README, each with its
// baseline from the same run.

import { statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Appliance } from '../system/lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from '../system/lab/lab.ts';
import { onHost } from '../system/lab/network.ts';
import { NETWORK, PREFIX, RUN_DIRECTORY } from '../system/lab/plan.ts';
import { must, waitFor } from '../system/lab/programs.ts';
import { containerPss, peakPss, usage } from './memory.ts';
import { measureMesh } from './mesh.ts';
import { prepareSender } from './sender.ts';
import { measureWeb } from './web.ts';

interface Figure {
  value: number;
  unit: string;
  baseline: number | null;
  ratio: number | null;
}

const figures: Record<string, Figure> = {};
const CONTAINER = `${PREFIX}box`;
const BYTES = 5000;
/** The DKIM key of the sending domain. */
const KEY = join(RUN_DIRECTORY, 'load.private');
const USERS = Array.from({ length: 10 }, (_, n) => `user${n}`);
const HASH = `{SHA512-CRYPT}$6$saltsalt$${'a'.repeat(86)}`;
// Idle Postfix processes exit after a minute
const SETTLE_MS = 90_000;
/** Groups that need a server. */
const LAB_GROUPS = ['mail', 'commands', 'serve', 'install', 'sizes', 'web'];
const OFF = {
  features: { spam_filter: 0, spf: 0, dmarc: 0, dkim: 0, greylist: 0, fail2ban: 0 },
  smtp: { rate_limit: 0 },
};
const ON = {
  features: { spam_filter: 1, spf: 1, dmarc: 1, dkim: 1, greylist: 1, fail2ban: 1 },
  smtp: { rate_limit: 200 },
};

function record(name: string, unit: string, value: number, baseline: number | null = null) {
  const ratio = baseline === null ? null : Number((value / baseline).toFixed(3));
  const round = (number: number) => Number(number.toFixed(2));
  figures[name] = {
    value: round(value),
    unit,
    baseline: baseline === null ? null : round(baseline),
    ratio,
  };
  const against = baseline === null ? '' : `  baseline ${round(baseline)}, ratio ${ratio}`;
  console.log(`${name.padEnd(24)} ${round(value)} ${unit}${against}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** The median of several runs, milliseconds. */
async function median(work: () => Promise<unknown>, runs = 7): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) times.push(await timed(work));
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0;
}

/** Messages in the inboxes: one that the filter files under Junk is no proper mail, and never counts. */
async function stored(box: Appliance): Promise<number> {
  const find = `find ${join(box.data, 'mail')} -type f -path '*/new/*' -not -path '*/.Junk/*' | wc -l`;
  return Number(await must(['sh', '-c', find]));
}

/** Messages per second, from the first SMTP command to the last file in an inbox. */
async function throughput(box: Appliance, connections: number): Promise<number> {
  const messages = 400;
  const before = await stored(box);
  const recipients = USERS.map((user) => `${user}@example.test`);
  const load = [process.execPath, join(import.meta.dir, 'load.ts'), NETWORK.router.wan, '25'];
  const words = [...load, String(connections), String(messages), String(BYTES), KEY, ...recipients];
  const sender = Bun.spawn(onHost('wan', words), { stdin: 'pipe', stdout: 'pipe' });
  // All messages are signed when it prints a line
  await sender.stdout.getReader().read();
  const time = await timed(async () => {
    sender.stdin.write('go\n');
    sender.stdin.end();
    if ((await sender.exited) !== 0) throw new Error(`load.ts ended with ${sender.exitCode}`);
    await waitFor(
      'the last delivery',
      async () => ((await stored(box)) - before >= messages ? true : undefined),
      120_000,
    );
  });
  return messages / (time / 1000);
}

async function measureFlow(box: Appliance) {
  const flow: number[] = [];
  await throughput(box, 10);
  for (const connections of [1, 10, 20]) flow.push(await throughput(box, connections));
  const burst = await peakPss(CONTAINER, () => throughput(box, 10));
  return { flow, burst };
}

async function measureSessions(lab: Lab): Promise<number> {
  const count = 50;
  const before = containerPss(CONTAINER);
  const sessions = [];
  for (let n = 0; n < count; n += 1) {
    const user = `${USERS[n % USERS.length]}@example.test`;
    const session = await lab.lan.mailbox({ user, password: PASSWORD });
    await session.ok('SELECT INBOX');
    // IDLE (RFC 2177), as a mail client does while it waits for mail
    session.write('idle1 IDLE\r\n');
    sessions.push(session);
  }
  await Bun.sleep(40_000);
  const after = containerPss(CONTAINER);
  for (const session of sessions) session.close();
  return (after - before) / count;
}

async function measureMail(lab: Lab, box: Appliance): Promise<void> {
  await prepareSender(lab.dns, KEY);
  await box.configure(OFF);
  await box.does('apply');
  await Bun.sleep(SETTLE_MS);
  const bareIdle = containerPss(CONTAINER);
  const bare = await measureFlow(box);
  await box.configure(ON);
  await box.does('apply');
  await Bun.sleep(SETTLE_MS);
  record('memory.idle', 'MB', containerPss(CONTAINER), bareIdle);
  const full = await measureFlow(box);
  for (const [index, connections] of [1, 10, 20].entries()) {
    record(
      `throughput.${connections}`,
      'messages/s',
      full.flow[index] ?? 0,
      bare.flow[index] ?? null,
    );
  }
  record('memory.burst', 'MB', full.burst, bare.burst);
  await Bun.sleep(SETTLE_MS);
  record('memory.imap_session', 'MB', await measureSessions(lab));
}

async function measureCommands(lab: Lab, box: Appliance): Promise<void> {
  const empty = await median(() => must([process.execPath, '-e', '0']));
  const bare = await median(() => must([lab.source.binary, 'version']));
  record('start.version', 'ms', bare, empty);
  // Through nsenter, like the commands below
  const version = await median(() => box.does('version'));
  record('start.status', 'ms', await median(() => box.does('status')), version);
  let added = 0;
  const add = () => {
    added += 1;
    return box.does(['user', 'add', `added${added}@example.test`, '--hash', HASH]);
  };
  record('user_add', 'ms', await median(add), version);
  record('apply_noop', 'ms', await median(() => box.does('apply')), version);
  const lines = Array.from({ length: 10_000 }, (_, n) => `bulk${n}@example.test,${HASH}`);
  const file = join(box.data, '../bulk.csv');
  writeFileSync(file, `address,hash\n${lines.join('\n')}\n`);
  const copy = await timed(async () => writeFileSync(`${file}.copy`, await readFile(file)));
  record('import_10000', 'ms', await timed(() => box.does(['user', 'import', file])), copy);
  record('start.user_list_10000', 'ms', await median(() => box.does('user list')), version);
}

async function measureInstall(lab: Lab, box: Appliance): Promise<void> {
  await box.does('uninstall');
  const restart = await timed(() => box.does('install'));
  await box.does('uninstall');
  await lab.router.run(['rm', '-rf', box.data]);
  const fresh = await lab.prepare({}, 'box');
  // install returns after it has read its own test message over IMAP
  record('install_to_delivery', 'ms', await timed(() => fresh.does('install')), restart);
}

function measureSizes(lab: Lab): void {
  const size = (path: string) => statSync(path).size / 1e6;
  record('size.image', 'MB', size(lab.source.image));
  record('size.binary', 'MB', size(lab.source.binary), size(process.execPath));
}

/** Limit of the scheduler's private memory, MB: it runs permanently on a small router. */
const MOST_OF_ITS_OWN = 64;

/** Memory of the idle scheduler; the baseline is a Bun process that only waits. */
async function measureServe(lab: Lab, box: Appliance): Promise<void> {
  const idle = Bun.spawn([process.execPath, '-e', 'setTimeout(() => {}, 60_000)']);
  await box.does('start');
  await Bun.sleep(5000);
  const { scheduler } = await box.json<{ scheduler: { pid: number } }>('status');
  const served = usage(`/proc/${lab.router.pid}/root/proc/${scheduler.pid}`);
  const bare = usage(`/proc/${idle.pid}`);
  idle.kill();
  record('memory.serve_uss', 'MB', served.uss, bare.uss);
  record('memory.serve_rss', 'MB', served.rss, bare.rss);
  if (served.uss > MOST_OF_ITS_OWN)
    throw new Error(`mailctl serve: ${served.uss} MB private memory, limit ${MOST_OF_ITS_OWN} MB`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });
  const wanted = (part: string) =>
    values.only === undefined || values.only.split(',').includes(part);
  if (LAB_GROUPS.some(wanted)) await measureInLab(wanted);
  if (wanted('mesh')) await measureMesh(record);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
}

async function measureInLab(wanted: (part: string) => boolean): Promise<void> {
  await must([process.execPath, join(import.meta.dir, '../../scripts/build.ts')]);
  const lab = await startLab();
  try {
    const box = await lab.appliance(ON, USERS);
    if (wanted('mail')) await measureMail(lab, box);
    if (wanted('commands')) await measureCommands(lab, box);
    if (wanted('serve')) await measureServe(lab, box);
    if (wanted('install')) await measureInstall(lab, box);
    if (wanted('sizes')) measureSizes(lab);
    if (wanted('web')) await measureWeb(lab, box, record);
  } finally {
    await lab.down();
  }
}

await main();
