// Every help starts with two examples and ends with the exit statuses of the command.

import { beforeAll, expect, test } from 'bun:test';
import type { Command } from 'commander';
import { STATUS } from '../../src/errors.ts';
import { buildProgram } from '../../src/mailctl/cli.ts';
import { kindOf } from '../../src/mailctl/command.ts';
import { WORDS } from '../../src/mailctl/words.ts';

let all: { path: string; command: Command; help: string }[] = [];

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (more) => (text += more) });
  command.outputHelp();
  return text;
}

function walk(command: Command, path: readonly string[]): typeof all {
  const below = command.commands.flatMap((child) => walk(child, [...path, child.name()]));
  return [
    ...(path.length > 0 ? [{ path: path.join(' '), command, help: helpOf(command) }] : []),
    ...below,
  ];
}

let program: Command;
beforeAll(async () => {
  ({ program } = await buildProgram(false, WORDS));
  all = walk(program, []);
});

const statusesOf = (help: string) =>
  (help.split('\nStatuses:\n')[1] ?? '')
    .split('\n')
    .flatMap((line) => /^ {2}(\d+) /.exec(line)?.[1] ?? []);

test('every help starts with two examples of the command and ends with its statuses', () => {
  const wrong = all.filter(({ path, help }) => {
    const [heading, one = '', two = ''] = help.split('\n');
    const examples = [one, two].every((line) => line.startsWith(`  mailctl ${path}`));
    return heading !== 'Examples:' || !examples || statusesOf(help)[0] !== '0';
  });

  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test('every command that reads the UCI file can exit with 78, every changing one with 75 and 77', () => {
  const WANTED = {
    prints: [],
    reads: ['78'],
    looks: ['77', '78'],
    acts: ['77', '78'],
    changes: ['75', '77', '78'],
  };
  const wrong = all.filter(({ command, help }) => {
    const kind = kindOf(command);
    const shown = statusesOf(help);
    return kind !== null && !WANTED[kind].every((status) => shown.includes(status));
  });

  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test('only the help of mailctl itself lists --version', () => {
  expect(helpOf(program)).toContain('--version');
  expect(all.filter(({ help }) => help.includes('--version')).map(({ path }) => path)).toEqual([]);
});

test('a group has the statuses of its subcommands, each once, in order', () => {
  const group = all.find(({ path }) => path === 'queue');

  expect(statusesOf(group?.help ?? '')).toEqual(['0', '64', '67', '69', '75', '77', '78']);
});

test('the help of mailctl itself starts with examples and ends with every status', () => {
  const help = helpOf(program);

  expect(help).toStartWith('Examples:\n  mailctl install\n');
  expect(statusesOf(help).map(Number)).toEqual(Object.values(STATUS).sort((a, b) => a - b));
});
