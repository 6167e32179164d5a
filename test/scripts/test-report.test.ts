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

/** The tests of a file with this text, from the report that Bun itself writes about it. */
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
  test('gives each test its file, its groups from the outside to the inside and its outcome', () => {
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

  test('counts a run without a report, and one that failed outside of its tests, as a failure', () => {
    const outside = failed('./x.test.ts: (outside of its tests)');

    expect(parseReport('', 1, ['./x.test.ts'])).toEqual([outside]);
    const report = '<testsuites><testcase name="a" classname="" file="x.test.ts" /></testsuites>';
    expect(parseReport(report, 1, ['./x.test.ts'])).toEqual([passed('x.test.ts: a'), outside]);
    expect(parseReport(report, 0, ['./x.test.ts'])).toEqual([passed('x.test.ts: a')]);
  });
});

describe('a second run', () => {
  test('names a test that failed only first as flaky and counts it as passed', () => {
    const result = resultOfRetry([failed('a'), passed('b')], [passed('a'), passed('b')]);

    expect(result).toEqual({ passed: 2, failed: 0, skipped: [], flaky: ['a'] });
  });

  test('names a hook that failed first, although a good hook is in no report', () => {
    const hook = 'x: lab > (before or after its tests)';

    expect(resultOfRetry([failed(hook)], [passed('x: lab > a')]).flaky).toEqual([hook]);
  });

  test('counts a test that failed twice, or in the second run only, as failed', () => {
    const result = resultOfRetry([failed('a'), passed('b')], [failed('a'), failed('b')]);

    expect(result).toEqual({ passed: 0, failed: 2, skipped: [], flaky: [] });
  });
});

describe('the last lines', () => {
  test('are the counts alone when every test ran and passed', () => {
    expect(formatSummary({ ...NOTHING, passed: 1700 })).toEqual(['1700 passed, 0 failed']);
  });

  test('name the skipped and the flaky tests, and the very last one holds the counts', () => {
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
