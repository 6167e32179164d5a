import { describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  formatSummary,
  NOTHING,
  parseReport,
  resultOf,
  resultOfRetry,
  sum,
  type TestCase,
} from '../../scripts/test-report.ts';

/** Runs a test file with this text in Bun and parses Bun's report. */
function runBun(text: string): TestCase[] {
  const folder = mkdtempSync(join(tmpdir(), 'mailserver-report-'));
  try {
    writeFileSync(
      join(folder, 'x.test.ts'),
      `import { beforeAll, describe, test } from 'bun:test';\n${text}`,
    );
    const report = ['--reporter=junit', '--reporter-outfile=report.xml'];
    const { exitCode } = Bun.spawnSync([process.execPath, 'test', ...report, './x.test.ts'], {
      cwd: folder,
    });
    const xml = readFileSync(join(folder, 'report.xml'), 'utf8');
    return parseReport(xml, exitCode, ['./x.test.ts']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const failed = (name: string): TestCase => ({ name, outcome: 'failed' });
const passed = (name: string): TestCase => ({ name, outcome: 'passed' });

describe('the report of Bun', () => {
  test('gives each test its file, its groups from outer to inner and its outcome', () => {
    const cases = runBun(`
      describe('a & <b>', () => {
        describe('"c"', () => {
          test('good', () => undefined);
          test('bad', () => { throw new Error('</testcase>'); });
          test.skip('not now', () => undefined);
          test.todo('some day');
        });
      });
      test('alone', () => undefined);`);

    expect(cases).toEqual([
      passed('x.test.ts: a & <b> > "c" > good'),
      failed('x.test.ts: a & <b> > "c" > bad'),
      { name: 'x.test.ts: a & <b> > "c" > not now', outcome: 'skipped' },
      { name: 'x.test.ts: a & <b> > "c" > some day', outcome: 'skipped' },
      passed('x.test.ts: alone'),
    ]);
  });

  test('names the group of a hook that failed', () => {
    const cases = runBun(`
      describe('a lab', () => {
        beforeAll(() => { throw new Error('no network'); });
        test('never runs', () => undefined);
      });`);

    expect(cases).toEqual([failed('x.test.ts: a lab > (before or after its tests)')]);
  });

  test('counts a run without a report, and a failure outside of the tests, as failed', () => {
    const outside = failed('./x.test.ts: (outside of its tests)');

    expect(parseReport('', 1, ['./x.test.ts'])).toEqual([outside]);
    const report = '<testsuites><testcase name="a" classname="" file="x.test.ts" /></testsuites>';
    expect(parseReport(report, 1, ['./x.test.ts'])).toEqual([passed('x.test.ts: a'), outside]);
    expect(parseReport(report, 0, ['./x.test.ts'])).toEqual([passed('x.test.ts: a')]);
  });
});

describe('a second run', () => {
  test('reports a test that failed only in the first run as flaky and counts it as passed', () => {
    const result = resultOfRetry([failed('a'), passed('b')], [passed('a'), passed('b')]);

    expect(result).toEqual({ passed: 2, failed: 0, skipped: [], flaky: ['a'] });
  });

  test('reports a hook that failed in the first run, although passed hooks are in no report', () => {
    const hook = 'x: lab > (before or after its tests)';

    expect(resultOfRetry([failed(hook)], [passed('x: lab > a')]).flaky).toEqual([hook]);
  });

  test('counts a test that failed in the second run as failed', () => {
    const result = resultOfRetry([failed('a'), passed('b')], [failed('a'), failed('b')]);

    expect(result).toEqual({ passed: 0, failed: 2, skipped: [], flaky: [] });
  });
});

describe('the last lines', () => {
  test('are only the counts when every test ran and passed', () => {
    expect(formatSummary({ ...NOTHING, passed: 1700 })).toEqual(['1700 passed, 0 failed']);
  });

  test('name the skipped and the flaky tests, and the last one has the counts', () => {
    const skipped = resultOf([passed('a'), { name: 'b.test.ts: b', outcome: 'skipped' }]);
    const retried = resultOfRetry([failed('c.test.ts: c')], [passed('c.test.ts: c')]);

    expect(formatSummary(sum([skipped, retried]))).toEqual([
      '1 skipped:',
      '  b.test.ts: b',
      '1 flaky, counted as passed since the second run passed:',
      '  c.test.ts: c',
      '2 passed, 0 failed, 1 skipped',
    ]);
  });
});
