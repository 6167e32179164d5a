import { describe, expect, test } from 'bun:test';
import {
  bySeverity,
  countText,
  type Finding,
  isProblem,
} from '../../../src/appliance/doctor/finding.ts';
import { differenceOf, formatReport, isNews } from '../../../src/appliance/doctor/report.ts';
import type { Situation } from '../../../src/appliance/doctor/report-state.ts';

const full = {
  id: 'disk.free',
  severity: 'warning',
  message: '180 MB are free',
  fix: null,
} as const;
const relay = { id: 'smtp.open-relay', severity: 'error', message: 'open', fix: 'x' } as const;

const BEFORE: Situation = {
  at: '2026-11-20T06:30:00.000Z',
  problems: [full],
  summary: '1 warnings, 20 in order',
  mailboxes: 3,
  domains: ['a.example'],
  certificateUntil: '2027-01-01T00:00:00.000Z',
  storageBytes: 12_000_000,
};
const NOW: Situation = { ...BEFORE, at: '2026-11-21T06:30:00.000Z' };

const linesOf = (before: Situation | null, now: Situation) =>
  formatReport('mail.a.example', now, differenceOf(before, now));

describe('the difference between two reports', () => {
  test('the first report is news, an identical one is not', () => {
    expect(isNews(differenceOf(null, NOW))).toBe(true);
    expect(isNews(differenceOf(BEFORE, NOW))).toBe(false);
  });

  test('a changed figure is no news, nor is more mail', () => {
    const moved = { ...full, message: '120 MB are free' };
    const now = { ...NOW, problems: [moved], storageBytes: 99_000_000 };
    expect(isNews(differenceOf(BEFORE, now))).toBe(false);
  });

  test.each([
    ['a new problem', { problems: [full, relay] }],
    ['a fixed problem', { problems: [] }],
    ['a higher severity', { problems: [{ ...full, severity: 'error' as const }] }],
    ['a mailbox', { mailboxes: 4 }],
    ['a domain', { domains: ['a.example', 'b.example'] }],
    ['a certificate', { certificateUntil: '2027-03-01T00:00:00.000Z' }],
  ])('%s is news', (_, change) => {
    expect(isNews(differenceOf(BEFORE, { ...NOW, ...change }))).toBe(true);
  });
});

describe('the text of a report', () => {
  test('lists new problems first, then unchanged ones, each with its fix', () => {
    const lines = linesOf(BEFORE, { ...NOW, problems: [full, relay], domains: ['b.example'] });
    expect(lines).toEqual([
      'The mail server mail.a.example, 2026-11-21',
      '',
      'New problems:',
      '  error: open [smtp.open-relay]',
      '      fix: x',
      '',
      'Changes:',
      '  new mail domain b.example',
      '  removed mail domain a.example',
      '',
      'Unchanged problems:',
      '  warning: 180 MB are free [disk.free]',
      '',
      'Summary: 1 warnings, 20 in order',
      'Mailboxes: 3; mail domains: 1; 11.4M',
      'Certificate: valid until 2027-01-01',
      '',
      'Details: mailctl doctor    Disable these reports: mailctl report disable',
    ]);
  });

  test('lists fixed problems', () => {
    expect(linesOf(BEFORE, { ...NOW, problems: [] })).toContain('  180 MB are free [disk.free]');
  });

  test('is deterministic', () => {
    expect(linesOf(BEFORE, NOW)).toEqual(linesOf(BEFORE, NOW));
  });
});

test('the worst findings come first, and notes are no problems', () => {
  const finding = (severity: Finding['severity']): Finding => ({
    ...{ id: severity, severity, message: '', measured: '', fix: null },
  });
  const all = (['ok', 'note', 'unknown', 'warning', 'error'] as const).map(finding);
  const sorted = all.sort(bySeverity);
  expect(sorted.map(({ id }) => id)).toEqual(['error', 'warning', 'unknown', 'note', 'ok']);
  expect(sorted.filter(isProblem).map(({ id }) => id)).toEqual(['error', 'warning']);
  expect(countText(sorted)).toBe('1 error, 1 warning, 1 inconclusive, 1 note, 1 in order');
});
