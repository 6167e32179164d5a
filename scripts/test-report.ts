// The result of a test run, from Bun's JUnit report, and the summary lines at its end. Pure.
// The summary names tests that passed only in the second run, and tests that did not run.

export interface TestCase {
  /** Path of the file and title, with the titles of the groups around it. */
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
}

export interface Result {
  readonly passed: number;
  readonly failed: number;
  /** Names; skipped tests count neither as passed nor as failed. */
  readonly skipped: readonly string[];
  /** Names of tests that failed in the first run only; counted by their second run. */
  readonly flaky: readonly string[];
}

export const NOTHING: Result = { passed: 0, failed: 0, skipped: [], flaky: [] };

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

const decode = (text: string): string =>
  text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name] ?? '');

function attribute(tag: string, name: string): string {
  return decode(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
}

/** Bun lists the groups from inner to outer, and names a failed hook `(unnamed)`. */
function nameOf(tag: string): string {
  const groups = attribute(tag, 'classname').split(' > ').reverse();
  const title = attribute(tag, 'name').replace(/^\(unnamed\)$/, '(before or after its tests)');
  const titles = [...groups, title].filter((text) => text !== '');
  return `${attribute(tag, 'file')}: ${titles.join(' > ')}`;
}

/**
 * The tests of one run. A status other than 0 without a failed test adds a failure outside of the tests of `paths`: a
 * file that cannot be loaded, or a run without a report.
 */
export function parseReport(xml: string, status: number, paths: readonly string[]): TestCase[] {
  const cases = [...xml.matchAll(/(<testcase\b[^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)].map(
    ([, tag = '', inside = '']): TestCase => {
      const failed = /<(?:failure|error)\b/.test(inside);
      const skipped = inside.includes('<skipped');
      return { name: nameOf(tag), outcome: failed ? 'failed' : skipped ? 'skipped' : 'passed' };
    },
  );
  if (status === 0 || cases.some(({ outcome }) => outcome === 'failed')) return cases;
  return [...cases, { name: `${paths.join(' ')}: (outside of its tests)`, outcome: 'failed' }];
}

const namesOf = (cases: readonly TestCase[], wanted: TestCase['outcome']): string[] =>
  cases.filter(({ outcome }) => outcome === wanted).map(({ name }) => name);

export function resultOf(cases: readonly TestCase[]): Result {
  return {
    passed: namesOf(cases, 'passed').length,
    failed: namesOf(cases, 'failed').length,
    skipped: namesOf(cases, 'skipped'),
    flaky: [],
  };
}

/** Counts the second run of the same file; a test that failed only in the first is flaky. */
export function resultOfRetry(first: readonly TestCase[], second: readonly TestCase[]): Result {
  const again = namesOf(second, 'failed');
  const flaky = namesOf(first, 'failed').filter((name) => !again.includes(name));
  return { ...resultOf(second), flaky };
}

export function sum(results: readonly Result[]): Result {
  return {
    passed: results.reduce((total, { passed }) => total + passed, 0),
    failed: results.reduce((total, { failed }) => total + failed, 0),
    skipped: results.flatMap(({ skipped }) => skipped),
    flaky: results.flatMap(({ flaky }) => flaky),
  };
}

/** `N passed, N failed`, and `, N skipped` if tests were skipped. */
export function formatCounts({ passed, failed, skipped }: Result): string {
  const more = skipped.length === 0 ? '' : `, ${skipped.length} skipped`;
  return `${passed} passed, ${failed} failed${more}`;
}

/** The last lines of a run; the last one has the counts. */
export function formatSummary(total: Result): string[] {
  const list = (title: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${names.length} ${title}:`, ...names.map((name) => `  ${name}`)];
  return [
    ...list('skipped', total.skipped),
    ...list('flaky, counted as passed since the second run passed', total.flaky),
    formatCounts(total),
  ];
}
