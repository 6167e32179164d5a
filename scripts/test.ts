// npm test [-- tier…]: runs the tiers in order. The last line has the total, `N passed, N failed`, and `, N skipped`
// if tests were skipped; the lines before it name the skipped and the flaky tests. A tier that cannot run on this machine
// prints the reason and counts as one failure.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInLanes } from './lanes.ts';
import { ROOT, show, showAtOnce } from './programs.ts';
import {
  formatCounts,
  formatSummary,
  NOTHING,
  parseReport,
  type Result,
  resultOf,
  resultOfRetry,
  sum,
  type TestCase,
} from './test-report.ts';

interface Tier {
  run(): Promise<Result>;
  /** The reason why the tier cannot run on this machine. */
  obstacle?(): string | undefined;
}

const APART = ['cli', 'golden', 'image', 'package', 'system', 'bench', 'vm'];

const needsRoot = () =>
  process.geteuid?.() === 0 ? undefined : 'it creates containers, which needs root';

const FAILURE: Result = { ...NOTHING, failed: 1 };

const TIERS: Record<string, Tier> = {
  lint: { run: lint },
  unit: { run: async () => resultOf(await bunTest(await unitPaths(), 20_000)) },
  cli: { run: async () => resultOf(await bunTest(['./test/cli'], 60_000)) },
  golden: { run: async () => resultOf(await bunTest(['./test/golden'], 20_000)) },
  image: {
    run: async () => resultOf(await bunTest(['./test/image'], 900_000)),
    obstacle: needsRoot,
  },
  package: {
    run: async () => resultOf(await bunTest(['./test/package'], 600_000)),
    obstacle: needsRoot,
  },
  system: { run: systemTests, obstacle: needsRoot },
};

async function main(names: string[]): Promise<number> {
  const results: Result[] = [];
  for (const name of names.length > 0 ? names : Object.keys(TIERS)) {
    const tier = TIERS[name];
    if (tier === undefined) {
      console.error(`unknown tier ${name}: expected one of ${Object.keys(TIERS).join(', ')}`);
      return 64;
    }
    console.log(`\n== ${name} ==`);
    const obstacle = tier.obstacle?.();
    if (obstacle !== undefined) console.log(`${name} cannot run: ${obstacle}`);
    const started = performance.now();
    const result = obstacle === undefined ? await tier.run() : FAILURE;
    console.log(`== ${name}: ${formatCounts(result)}, in ${secondsSince(started)} s ==`);
    results.push(result);
  }
  const total = sum(results);
  console.log(`\n${formatSummary(total).join('\n')}`);
  return total.failed === 0 ? 0 : 1;
}

const secondsSince = (started: number): number => Math.round((performance.now() - started) / 1000);

/** The virtual machine's own, in place of OpenWrt's. */
const VM_SCRIPTS = [
  ...['init', 'etc/rc.common', 'etc/hotplug.d/iface/20-firewall'],
  ...['rcS', 'network', 'firewall', 'dnsmasq'].map((name) => `etc/init.d/${name}`),
  ...['lib/functions.sh', 'lib/functions/procd.sh', 'usr/bin/opkg'],
  ...['agent', 'block', 'event', 'hotplug-call', 'ifup', 'ubus', 'uci'].map(
    (name) => `sbin/${name}`,
  ),
];

async function lint(): Promise<Result> {
  const shellScripts = [
    'scripts/setup',
    'lxc-template/build',
    'lxc-template/mail/image',
    'lxc-template/web/image',
    '.ci/run',
    'files/etc/init.d/mailserver',
    'files/etc/hotplug.d/iface/95-mailserver',
    'test/stand-ins/rc.common',
    'test/stand-ins/secubox-p2p',
    ...VM_SCRIPTS.map((path) => `test/vm/root/${path}`),
  ];
  const checks = [
    ['biome', 'check', '.'],
    ['tsc', '--noEmit'],
    ['shellcheck', ...(await existing(shellScripts))],
  ];
  const count = { passed: 0, failed: 0 };
  for (const argv of checks) {
    const good = Bun.which(argv[0] ?? '') !== null && (await show(argv)) === 0;
    console.log(`${good ? 'passed' : 'failed'}: ${argv.join(' ')}`);
    count[good ? 'passed' : 'failed'] += 1;
  }
  return { ...NOTHING, ...count };
}

const existing = async (paths: string[]): Promise<string[]> => {
  const found = await Promise.all(paths.map((path) => Bun.file(join(ROOT, path)).exists()));
  return paths.filter((_, index) => found[index]);
};

async function unitPaths(): Promise<string[]> {
  const entries = await readdir(join(ROOT, 'test'), { withFileTypes: true });
  return entries
    .filter((entry) =>
      entry.isDirectory() ? !APART.includes(entry.name) : entry.name.endsWith('.test.ts'),
    )
    .map((entry) => `./test/${entry.name}`);
}

/**
 * Five lanes start with the files that run a mail server, the sixth with those that mostly wait for name servers: all of
 * them wait more than they compute. Each lane has its own network namespaces; one with an empty list takes files of another.
 */
async function systemTests(): Promise<Result> {
  const prepared = await show([process.execPath, 'scripts/build.ts']);
  if (prepared !== 0) return FAILURE;
  const names = (await readdir(join(ROOT, 'test/system'))).filter((name) =>
    name.endsWith('.test.ts'),
  );
  const paths = names.sort().map((name) => `./test/system/${name}`);
  const texts = await Promise.all(paths.map((path) => readFile(join(ROOT, path), 'utf8')));
  const withContainer = (_: string, index: number) => texts[index]?.includes('lab/lab.ts') ?? false;
  const servers = paths.filter(withContainer);
  const lists = [
    ...[0, 1, 2, 3, 4].map((lane) => servers.filter((_, index) => index % 5 === lane)),
    paths.filter((path, index) => !withContainer(path, index)),
  ];
  const runs = await runInLanes(lists, runSystemFile);
  for (const { path, seconds } of runs.toSorted((a, b) => b.seconds - a.seconds)) {
    console.log(`${String(seconds).padStart(4)} s  ${path}`);
  }
  const results: Result[] = [];
  for (const { path, cases } of runs) {
    const failed = cases.some(({ outcome }) => outcome === 'failed');
    results.push(failed ? await onceMore(path, cases) : resultOf(cases));
  }
  return sum(results);
}

interface FileRun {
  readonly path: string;
  readonly cases: readonly TestCase[];
  readonly seconds: number;
}

async function runSystemFile(path: string, lane: number): Promise<FileRun> {
  const started = performance.now();
  const cases = await bunTest([path], 180_000, { MAILSERVER_LAB: `mslab${lane}-` });
  return { path, cases, seconds: secondsSince(started) };
}

/**
 * On a loaded machine a test may time out without a fault of ours, so a failed file is retried once, alone, and the
 * summary names each test that failed only in the first run as flaky.
 */
async function onceMore(path: string, first: readonly TestCase[]): Promise<Result> {
  const { failed } = resultOf(first);
  console.log(`== ${path}: ${failed} failed; retry ==`);
  return resultOfRetry(first, await bunTest([path], 180_000));
}

/** Reads the results from Bun's report; a run without a report counts as a failure. */
async function bunTest(
  paths: string[],
  timeout: number,
  env: Record<string, string> = {},
): Promise<TestCase[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mailserver-test-'));
  const report = join(folder, 'report.xml');
  const reporter = ['--reporter=junit', `--reporter-outfile=${report}`];
  try {
    const argv = [process.execPath, 'test', ...reporter, `--timeout=${timeout}`, ...paths];
    const status = await showAtOnce(argv, env);
    return parseReport(await readFile(report, 'utf8').catch(() => ''), status, paths);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.exit(await main(process.argv.slice(2)));
