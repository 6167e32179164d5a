import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const PROJECT = join(import.meta.dir, '../..');
const FILE = '/etc/config/mailserver';
const root = mkdtempSync(join(tmpdir(), 'mailctl-config-'));
afterAll(() => rmSync(root, { recursive: true }));

function runMailctl(line: string) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [process.execPath, join(PROJECT, 'src/mailctl/main.ts'), ...line.split(' ')],
    { env: { ...process.env, MAILCTL_ROOT: root } },
  );
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

function writeConfig(text: string): void {
  mkdirSync(dirname(join(root, FILE)), { recursive: true });
  writeFileSync(join(root, FILE), text);
}

test('config check finds no problem in the shipped file, and says what must be set', () => {
  writeConfig(readFileSync(join(PROJECT, 'files', FILE), 'utf8'));

  const { status, stdout, stderr } = runMailctl('config check');

  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.replace(/:\d+:/g, ':').split('\n')).toEqual([
    '/etc/config/mailserver: no problems',
    expect.stringContaining(
      `notice: ${FILE}: mailserver.main.domain: main.domain is 'example.com'`,
    ),
    '',
  ]);
});

test('config check lists every problem with its line and ends with 78', () => {
  writeConfig("config mailserver 'main'\n\toption hostnam 'x'\n\toption memory 'much'\n");

  const { status, stdout, stderr } = runMailctl('config check');

  expect(status).toBe(78);
  expect(stdout.split('\n').map((line) => line.split(': ').slice(0, 2))).toEqual([
    ['/etc/config/mailserver:2', 'mailserver.main.hostnam'],
    ['/etc/config/mailserver:3', 'mailserver.main.memory'],
    [''],
  ]);
  expect(stderr).toBe('error: /etc/config/mailserver has 2 problems\n');
});

test('config check --json gives the problems as data', () => {
  writeConfig("config mailserver 'main'\n\toption hostnam 'x'\n");

  const { status, stdout, stderr } = runMailctl('config check --json');

  expect(status).toBe(78);
  expect(JSON.parse(stdout)).toEqual({
    v: 1,
    file: FILE,
    problems: [
      {
        file: FILE,
        line: 2,
        column: 2,
        section: 'main',
        option: 'hostnam',
        message: 'unknown option',
        hint: "did you mean 'hostname'?",
      },
    ],
    notices: [],
  });
  expect(JSON.parse(stderr)).toMatchObject({ v: 1, error: { code: 'CONFIG_INVALID' } });
});

test('config check of a file that does not exist names it', () => {
  const { status, stderr } = runMailctl('config check --config /nowhere');

  expect(status).toBe(78);
  expect(stderr).toContain('the UCI file /nowhere does not exist');
});
