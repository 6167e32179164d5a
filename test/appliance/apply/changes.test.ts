import { describe, expect, test } from 'bun:test';
import { effectsOf, planGeneration } from '../../../src/appliance/apply/changes.ts';
import type { Generation } from '../../../src/appliance/apply/generation.ts';
import { planNetwork } from '../../../src/appliance/container/network.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';

const absent = {
  exists: false,
  ours: false,
  addresses: [],
  addresses6: [],
  mtu: null,
  vlans: null,
};
const network = planNetwork(defaultSettings(), absent, 'machine');

function generation(texts: Record<string, string>, inputs = {}): Omit<Generation, 'name'> {
  const owner = { uid: 100000, gid: 100000, mode: 0o644 };
  return {
    host: { lxcConfig: 'a', seccomp: 'b', network, image: 'c', inputs },
    files: Object.entries(texts).map(([path, text]) => ({ path, text, ...owner })),
  };
}

describe('the plan of a generation', () => {
  test('an equal generation has no changes', () => {
    const same = generation({ '/etc/postfix/main.cf': 'x' });
    expect(planGeneration(same, same)).toEqual([]);
  });

  test('a changed file of Postfix reloads Postfix and nothing else', () => {
    const before = generation({ '/etc/postfix/main.cf': 'x' });
    const changes = planGeneration(before, generation({ '/etc/postfix/main.cf': 'y' }));
    expect(changes).toMatchObject([
      { name: '/etc/postfix/main.cf', action: 'change', before: 'x', after: 'y' },
    ]);
    expect(effectsOf(changes)).toEqual({
      restartContainer: false,
      restart: [],
      reload: ['postfix'],
    });
  });

  test('the plan does not contain the content of a secret file', () => {
    const before = generation({ '/etc/dovecot/probe.passwd': 'hush' });
    const [change] = planGeneration(
      before,
      generation({ '/etc/dovecot/probe.passwd': 'hushhush' }),
    );
    expect(JSON.stringify(change)).not.toContain('hush');
  });

  test('a changed mode alone is a change', () => {
    const before = generation({ '/etc/postfix/main.cf': 'x' });
    const [file] = before.files;
    if (!file) throw new Error('the fixture has no file');
    const after = { ...before, files: [{ ...file, mode: 0o600 }] };
    expect(planGeneration(before, after)).toHaveLength(1);
  });

  test('a new certificate reloads its readers', () => {
    const changes = planGeneration(generation({}), generation({}, { postfix: '1', dovecot: '1' }));
    expect(effectsOf(changes).reload).toEqual(['postfix', 'dovecot']);
  });

  test('a removed file that is no longer in the manifest restarts the container', () => {
    const changes = planGeneration(generation({ '/etc/old': 'x' }), generation({}));
    expect(effectsOf(changes).restartContainer).toBe(true);
  });

  test('the first generation adds every file', () => {
    const changes = planGeneration(null, generation({ '/etc/postfix/main.cf': 'x' }));
    expect(changes.map(({ action }) => action)).toEqual(['add', 'add', 'add', 'add']);
    expect(effectsOf(changes).restartContainer).toBe(true);
  });
});
