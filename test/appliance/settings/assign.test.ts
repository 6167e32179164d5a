import { describe, expect, test } from 'bun:test';
import { type Assignment, assignOptions } from '../../../src/appliance/settings/assign.ts';

const FILE = '/etc/config/mailserver';
const TEXT = `# ours
config mailserver 'main'
	option domain 'example.org'	# the first
	option memory '512M'

config fail2ban 'fail2ban'
	# never banned
	list ignore '192.0.2.0/24'	# office
	list ignore '198.51.100.7'
	option max_retry '5'
`;

const set = (option: string, ...values: string[]): Assignment => ({ option, how: 'set', values });
const add = (option: string, ...values: string[]): Assignment => ({ option, how: 'add', values });
const remove = (option: string, ...values: string[]): Assignment => ({
  option,
  how: 'remove',
  values,
});

const edit = (...assignments: Assignment[]) => assignOptions(TEXT, FILE, assignments);

describe('an assignment keeps comments and order:', () => {
  test('a value is replaced in its place', () => {
    expect(edit(set('main.memory', '1G'))).toEqual({
      text: TEXT.replace('512M', '1G'),
      changes: [{ option: 'main.memory', isSecret: false, before: ['512M'], after: ['1G'] }],
      problems: [],
    });
  });

  test('an item is added after the others', () => {
    expect(edit(add('fail2ban.ignore', '203.0.113.9', '192.0.2.0/24')).text).toBe(
      TEXT.replace("7'\n", "7'\n\tlist ignore '203.0.113.9'\n"),
    );
  });

  test('an item is removed with its line', () => {
    expect(edit(remove('fail2ban.ignore', '198.51.100.7')).text).toBe(
      TEXT.replace("\tlist ignore '198.51.100.7'\n", ''),
    );
  });

  test('a list is replaced; the lines of items that stay are kept', () => {
    expect(edit(set('fail2ban.ignore', '192.0.2.0/24', '203.0.113.9')).text).toBe(
      TEXT.replace('198.51.100.7', '203.0.113.9'),
    );
  });

  test('a list written as one option becomes list lines', () => {
    const one = TEXT.replace(/\tlist ignore.*\n\tlist ignore/, '\toption ignore').replace(
      "'198.51.100.7'",
      "'192.0.2.0/24 198.51.100.7'",
    );

    expect(assignOptions(one, FILE, [add('fail2ban.ignore', '203.0.113.9')]).text).toBe(
      TEXT.replace('\t# office', '').replace("7'\n", "7'\n\tlist ignore '203.0.113.9'\n"),
    );
  });

  test('a missing section is appended', () => {
    expect(edit(set('smtp.rate_limit', '50')).text).toBe(
      `${TEXT}\nconfig smtp 'smtp'\n\toption rate_limit '50'\n`,
    );
  });

  test('an empty value is the default', () => {
    const { text, changes } = edit(set('fail2ban.ignore', ''), set('main.memory', ''));

    expect(text).not.toContain('ignore');
    expect(text).toContain("option memory ''");
    expect(changes.map(({ after }) => after)).toEqual([[], []]);
  });
});

test.each([
  [set('main.memory', '512M')],
  [add('fail2ban.ignore', '198.51.100.7')],
  [remove('fail2ban.ignore', '203.0.113.9')],
  [set('smtp.relayhost', '')],
])('%j is a no-op', (assignment) => {
  expect(edit(assignment)).toEqual({ text: TEXT, changes: [], problems: [] });
});

test.each([
  [set('main.memori', '1G'), "unknown option 'main.memori'", 'did you mean main.memory?'],
  [set('memory', '1G'), "unknown option 'memory'", 'did you mean main.memory?'],
  [set('smtp.domain', 'x'), "unknown option 'smtp.domain'", 'did you mean main.domain?'],
  [set('main', '1'), "unknown option 'main'", undefined],
  [set('main.memory.x', '1G'), "unknown option 'main.memory.x'", undefined],
  [set('main.__proto__', '1'), "unknown option 'main.__proto__'", undefined],
  [set('main.memory', 'much'), "main.memory: 'much' is not a size", undefined],
  [set('main.memory', '1G', '2G'), 'main.memory takes one value, not 2', undefined],
  [add('main.memory', '1G'), 'main.memory is not a list', undefined],
  [add('fail2ban.ignore', 'office'), "fail2ban.ignore: 'office' is not an IP address", undefined],
  [set('main.image', '/a\nb'), 'main.image: ', undefined],
])('%j is refused', (assignment, message, hint) => {
  const refusal = () => edit(assignment);

  expect(refusal).toThrow(message);
  if (hint !== undefined) expect(refusal).toThrow(expect.objectContaining({ hint }));
});

test('a refused secret is not shown', () => {
  const refusal = () => edit(set('smtp.relay_password', ' sesame '));

  expect(refusal).toThrow('smtp.relay_password: this value is not a password');
});

test('options that depend on each other are set together or not at all', () => {
  const user = set('smtp.relay_user', 'me');

  expect(() => edit(user)).toThrow('relay_user requires relayhost');
  expect(
    edit(set('smtp.relayhost', '[smtp.example.net]:587'), user, set('smtp.relay_password', 's'))
      .problems,
  ).toEqual([]);
});

test('a file with other problems is corrected step by step', () => {
  const wrong = TEXT.replace('512M', 'much').replace("'5'", "'many'");

  const { problems } = assignOptions(wrong, FILE, [set('main.memory', '1G')]);

  expect(problems.map(({ option }) => option)).toEqual(['max_retry']);
});

test('a file that is not UCI is not edited', () => {
  expect(() => assignOptions(`${TEXT}nonsense\n`, FILE, [set('main.memory', '1G')])).toThrow(
    'nothing was written: /etc/config/mailserver:11',
  );
});
