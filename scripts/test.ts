// npm test [-- tier…]: runs the tiers in order and ends with one line, `N passed, N failed`, over all of them.
// A tier that cannot run here says why and counts as one failure.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, show, showAtOnce } from './programs.ts';

interface Count {
  passed: number;
  failed: number;
}

interface Tier {
  run(): Promise<Count>;
  /** The reason why it cannot run on this machine. */
  obstacle?(): string | undefined;
}

const APART = ['cli', 'golden', 'image', 'package', 'system', 'bench'];

const needsRoot = () =>
  process.geteuid?.() === 0 ? undefined : 'it makes containers: run as root';

const TIERS: Record<string, Tier> = {
  lint: { run: lint },
  unit: { run: async () => bunTest(await unitPaths(), 20_000) },
  cli: { run: () => bunTest(['./test/cli'], 60_000) },
  golden: { run: () => bunTest(['./test/golden'], 20_000) },
  image: { run: () => bunTest(['./test/image'], 900_000), obstacle: needsRoot },
  package: { run: () => bunTest(['./test/package'], 600_000), obstacle: needsRoot },
  system: { run: systemTests, obstacle: needsRoot },
};

async function main(names: string[]): Promise<number> {
  const total: Count = { passed: 0, failed: 0 };
  for (const name of names.length > 0 ? names : Object.keys(TIERS)) {
    const tier = TIERS[name];
    if (tier === undefined) {
      console.error(`no tier ${name}; there are ${Object.keys(TIERS).join(', ')}`);
      return 64;
    }
    console.log(`\n== ${name} ==`);
    const obstacle = tier.obstacle?.();
    if (obstacle !== undefined) console.log(`${name} cannot run: ${obstacle}`);
    const { passed, failed } = obstacle === undefined ? await tier.run() : { passed: 0, failed: 1 };
    console.log(`== ${name}: ${passed} passed, ${failed} failed ==`);
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

async function lint(): Promise<Count> {
  const shellScripts = [
    'scripts/setup',
    'lxc-template/build',
    '.ci/run',
    'files/etc/init.d/mailserver',
    'files/etc/hotplug.d/iface/95-mailserver',
  ];
  const checks = [
    ['biome', 'check', '.'],
    ['tsc', '--noEmit'],
    ['shellcheck', ...(await existing(shellScripts))],
  ];
  const count: Count = { passed: 0, failed: 0 };
  for (const argv of checks) {
    const good = Bun.which(argv[0] ?? '') !== null && (await show(argv)) === 0;
    console.log(`${good ? 'passed' : 'FAILED'}: ${argv.join(' ')}`);
    count[good ? 'passed' : 'failed'] += 1;
  }
  return count;
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

async function systemTests(): Promise<Count> {
  const prepared = await show([process.execPath, 'scripts/build.ts']);
  if (prepared !== 0) return { passed: 0, failed: 1 };
  const names = (await readdir(join(ROOT, 'test/system'))).filter((name) =>
    name.endsWith('.test.ts'),
  );
  const paths = names.sort().map((name) => `./test/system/${name}`);
  const texts = await Promise.all(paths.map((path) => readFile(join(ROOT, path), 'utf8')));
  const withContainer = (_: string, index: number) => texts[index]?.includes('lab/lab.ts') ?? false;
  // one lane works while the other waits for name servers, and each file has its own network
  const lanes = [
    paths.filter(withContainer),
    paths.filter((path, index) => !withContainer(path, index)),
  ];
  const first = (await Promise.all(lanes.map(runLane))).flat();
  const total: Count = { passed: 0, failed: 0 };
  for (const { path, count } of first) {
    const { passed, failed } = count.failed === 0 ? count : await onceMore(path, count);
    total.passed += passed;
    total.failed += failed;
  }
  return total;
}

interface FileResult {
  readonly path: string;
  readonly count: Count;
}

async function runLane(paths: readonly string[], lane: number): Promise<FileResult[]> {
  const results: FileResult[] = [];
  const env = { MAILSERVER_LAB: `mslab${lane}-` };
  for (const path of paths) {
    results.push({ path, count: await bunTest([path], 180_000, env) });
  }
  return results;
}

/**
 * On a machine that others load as well a deadline may pass that says nothing about us, so a file that
 * failed gets one more run, alone, and the report says so.
 */
async function onceMore(path: string, { failed }: Count): Promise<Count> {
  console.log(`== ${path} failed ${failed} of its tests; once more ==`);
  return bunTest([path], 180_000);
}

/** The counts come from Bun's own report; a run that left none counts as a failure. */
async function bunTest(
  paths: string[],
  timeout: number,
  env: Record<string, string> = {},
): Promise<Count> {
  const folder = await mkdtemp(join(tmpdir(), 'mailserver-test-'));
  const report = join(folder, 'report.xml');
  const reporter = ['--reporter=junit', `--reporter-outfile=${report}`];
  try {
    const argv = [process.execPath, 'test', ...reporter, `--timeout=${timeout}`, ...paths];
    const status = await showAtOnce(argv, env);
    const head =
      /<testsuites[^>]*>/.exec(await readFile(report, 'utf8').catch(() => ''))?.[0] ?? '';
    const number = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
    const failed = number('failures') + number('errors');
    const passed = number('tests') - number('failures') - number('skipped');
    // an error outside of any test has a status but no count
    return { passed, failed: status !== 0 && failed === 0 ? 1 : failed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.exit(await main(process.argv.slice(2)));
