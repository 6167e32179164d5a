// Group `mesh`: backups of a mail folder, against restic and a plain `tar | zstd -3` in the same run. The processes are
// measured as a whole, with their start.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { createRandom, type Random } from '../seed.ts';

type Record = (name: string, unit: string, value: number, baseline?: number | null) => void;

const WORDS =
  'the quarterly figures are attached please have a look and tell me what you think about them before friday since we have to send the report to all members of the board next week regards'.split(
    ' ',
  );
const USERS = 10;
const FOLDERS = ['', '.Sent', '.Archive'];
/** Bytes of a message on average: text, and every third time an attachment. */
const TEXT = 4500;
const ATTACHMENT = 18_500;

interface Bench {
  readonly base: string;
  readonly mail: string;
  readonly random: Random;
  messages: number;
}

interface Ran {
  readonly ms: number;
  /** MB. */
  readonly memory: number;
}

function text(random: Random, size: number): string {
  const lines: string[] = [];
  for (let length = 0; length < size; ) {
    const line = Array.from({ length: 11 }, () => {
      const word = WORDS[Math.floor(random() * WORDS.length)] ?? '';
      return random() < 0.2 ? Math.floor(random() * 2 ** 30).toString(36) : word;
    }).join(' ');
    lines.push(line);
    length += line.length + 1;
  }
  return lines.join('\n');
}

const noise = Buffer.alloc(1024 * 1024);

function attachment(random: Random, size: number): string {
  const at = Math.floor(random() * (noise.length - size));
  // other bytes each time, so that nothing is found twice
  const bytes = Buffer.from(noise.subarray(at, at + size));
  for (let n = 0; n < size; n += 16) bytes[n] = Math.floor(random() * 256);
  return bytes.toString('base64').replace(/.{76}/g, '$&\n');
}

function message(bench: Bench, n: number): string {
  const { random } = bench;
  const id = Math.floor(random() * 2 ** 48).toString(36);
  const head = [
    `Return-Path: <load@example.net>`,
    `Received: from mx.example.net (mx.example.net [192.0.2.${n % 250}]) by mail.example.com with ESMTPS id ${id}`,
    `From: Load <load@example.net>`,
    `To: user${n % USERS}@example.com`,
    `Subject: figures ${n} ${id}`,
    `Message-ID: <${id}.${n}@example.net>`,
  ].join('\n');
  const body = text(random, TEXT * (0.5 + random()));
  const more =
    n % 3 === 0 ? `\n\n${attachment(random, Math.floor(ATTACHMENT * 0.5 * (1 + random())))}` : '';
  return `${head}\n\n${body}${more}\n`;
}

const folderOf = ({ mail }: Bench, n: number): string =>
  join(
    mail,
    'example.com',
    `user${n % USERS}`,
    FOLDERS[Math.floor(n / USERS) % FOLDERS.length] ?? '',
  );

function deliver(bench: Bench): void {
  bench.messages += 1;
  const n = bench.messages;
  const content = message(bench, n);
  const time = 1_700_000_000 + n * 60;
  const name = `${time}.M${n}P${n % 9999}.mail,S=${content.length},W=${content.length + 99}:2,S`;
  const path = join(folderOf(bench, n), 'cur', name);
  writeFileSync(path, content);
  utimesSync(path, time, time);
}

function createMail(count: number): Bench {
  const base = mkdtempSync(join(tmpdir(), 'mailctl-bench-'));
  const bench: Bench = { base, mail: join(base, 'mail'), random: createRandom(1), messages: 0 };
  for (let n = 0; n < noise.length; n += 1) noise[n] = Math.floor(bench.random() * 256);
  for (let user = 0; user < USERS; user += 1)
    for (const folder of FOLDERS)
      for (const part of ['cur', 'new', 'tmp'])
        mkdirSync(join(bench.mail, 'example.com', `user${user}`, folder, part), {
          recursive: true,
        });
  for (let n = 0; n < count; n += 1) deliver(bench);
  return bench;
}

/** 100 other flags, 20 deletions, 100 new messages. */
function change(bench: Bench): void {
  const cur = join(bench.mail, 'example.com/user3/cur');
  const names = readdirSync(cur).filter((name) => name.endsWith(':2,S'));
  for (const name of names.slice(0, 100))
    renameSync(join(cur, name), join(cur, name.replace(':2,S', ':2,FS')));
  for (const name of names.slice(100, 120)) rmSync(join(cur, name));
  for (let n = 0; n < 100; n += 1) deliver(bench);
}

async function run(command: string[], env: { [name: string]: string } = {}): Promise<Ran> {
  const began = performance.now();
  const child = Bun.spawn(command, {
    env: { ...process.env, ...env },
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`${command.join(' ')}: ${said}`);
  const ms = performance.now() - began;
  return { ms, memory: (child.resourceUsage()?.maxRSS ?? 0) / 1e6 };
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

/** The median of odd counts; each run starts from the same state. */
async function median(runs: number, prepare: () => void, work: () => Promise<Ran>): Promise<Ran> {
  const times: Ran[] = [];
  for (let n = 0; n < runs; n += 1) {
    prepare();
    times.push(await work());
  }
  const sorted = times.sort((a, b) => a.ms - b.ms);
  return sorted[Math.floor(runs / 2)] ?? { ms: 0, memory: 0 };
}

function contestants(bench: Bench, keys: string) {
  const { base, mail } = bench;
  const ours = join(base, 'mesh');
  const repository = join(base, 'restic');
  const env = { RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: join(base, 'cache') };
  const worker = [process.execPath, join(import.meta.dir, 'mesh-process.ts')];
  const restic = ['restic', '-q', '-r', repository];
  return {
    ours,
    repository,
    backup: () => run([...worker, 'backup', ours, mail, keys]),
    restore: (to: string) => run([...worker, 'restore', ours, mail, keys, to]),
    resticInit: () => run([...restic, 'init'], env),
    resticBackup: () => run([...restic, 'backup', mail], env),
    resticRestore: (to: string) => run([...restic, 'restore', 'latest', '--target', to], env),
    tar: () => run(['sh', '-c', `tar -C '${base}' -cf - mail | zstd -3 -q -f -o '${base}/plain'`]),
  };
}

/** Figures for a number of messages; `suffix` follows their names. */
async function measureSize(record: Record, count: number, suffix: string, runs: number) {
  const bench = createMail(count);
  const keys = join(bench.base, 'keys.json');
  const identity = await generateX25519Identity();
  writeFileSync(keys, JSON.stringify({ identity, recipient: await identityToRecipient(identity) }));
  const { ours, repository, ...does } = contestants(bench, keys);
  const clear = (...folders: string[]) => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  };
  try {
    // the first one reads the mail into the page cache
    await does.tar();
    const plain = await median(runs, () => undefined, does.tar);
    const first = await median(runs, () => clear(ours), does.backup);
    const initial = async () => {
      await does.resticInit();
      return does.resticBackup();
    };
    const resticFirst = await median(
      runs,
      () => clear(repository, join(bench.base, 'cache')),
      initial,
    );
    record(`mesh.first${suffix}`, 'ms', first.ms, resticFirst.ms);
    record(`mesh.first_tar${suffix}`, 'ms', first.ms, plain.ms);
    const size = bytesIn(join(ours, 'outbox'));
    record(
      `mesh.first_size${suffix}`,
      'MB',
      size / 1e6,
      statSync(join(bench.base, 'plain')).size / 1e6,
    );
    record(`mesh.memory${suffix}`, 'MB', first.memory, resticFirst.memory);

    await Bun.sleep(2500);
    await does.backup();
    const same = await median(runs, () => undefined, does.backup);
    const resticSame = await median(runs, () => undefined, does.resticBackup);
    record(`mesh.unchanged${suffix}`, 'ms', same.ms, resticSame.ms);

    const before = { ours: bytesIn(join(ours, 'outbox')), restic: bytesIn(repository) };
    const increments: { ours: Ran; restic: Ran }[] = [];
    for (let n = 0; n < runs; n += 1) {
      change(bench);
      increments.push({ ours: await does.backup(), restic: await does.resticBackup() });
    }
    const middle = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0;
    const increment = middle(increments.map((one) => one.ours.ms));
    record(
      `mesh.increment${suffix}`,
      'ms',
      increment,
      middle(increments.map((one) => one.restic.ms)),
    );
    const grown = (bytesIn(join(ours, 'outbox')) - before.ours) / runs / 1e6;
    const resticGrown = (bytesIn(repository) - before.restic) / runs / 1e6;
    record(`mesh.increment_size${suffix}`, 'MB', grown, resticGrown);

    const to = join(bench.base, 'restored');
    const restored = await median(
      runs,
      () => clear(to),
      () => does.restore(to),
    );
    const resticRestored = await median(
      runs,
      () => clear(to),
      () => does.resticRestore(to),
    );
    record(`mesh.restore${suffix}`, 'ms', restored.ms, resticRestored.ms);
    if (!existsSync(to)) throw new Error('nothing was restored');
  } finally {
    rmSync(bench.base, { recursive: true, force: true });
  }
}

export async function measureMesh(record: Record): Promise<void> {
  await measureSize(record, 10_000, '', 3);
  await measureSize(record, 100_000, '_100000', 1);
}
