// The policy of each state file when it is damaged: rename and continue, or fail.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ORDER } from '../../../src/appliance/acme/order.ts';
import { ACME_STATE, NO_STATE } from '../../../src/appliance/acme/state.ts';
import { CURRENT_HOST_PART } from '../../../src/appliance/container/host-part.ts';
import {
  openState,
  readState,
  type StateFile,
  stateDamages,
} from '../../../src/appliance/container/state-file.ts';
import { DKIM_STATE } from '../../../src/appliance/dkim/state.ts';
import { DNS_STATE } from '../../../src/appliance/dns/publish/state.ts';
import { LAST_REPORT } from '../../../src/appliance/doctor/report-state.ts';
import { appliancePaths, type Paths } from '../../../src/appliance/paths.ts';
import { SCHEDULE } from '../../../src/appliance/schedule/state.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { keyDigest } from '../../../src/appliance/tls/keys.ts';
import { NOTICES } from '../../../src/appliance/tls/notices.ts';
import { createHost, dryRun, type Host } from '../../../src/host/host.ts';
import { generateEcKey } from '../../../src/host/keys.ts';

let root = '';
let host: Host;
let said: string[] = [];
let paths: Paths;

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'mailctl-state-'));
  said = [];
  host = createHost({ root, env: {}, say: (text) => said.push(text) });
  paths = appliancePaths(defaultSettings());
});
afterEach(() => fs.rmSync(root, { recursive: true }));

function put<T>(file: StateFile<T>, text: string): string {
  const path = join(root, file.path(paths));
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.writeFileSync(path, text);
  return path;
}

const asideOf = (path: string) =>
  fs.readdirSync(dirname(path)).filter((name) => name.includes('.damaged-'));

const DAMAGES = ['', '{"v":1,"na', 'null', '[]', '"text"', '{"v":1,"names":5,"jobs":7}'];

/** A state file that is renamed when damaged, and the state that is used then. */
function goesOn<T>(name: string, file: StateFile<T>, after: T): void {
  describe(name, () => {
    for (const text of DAMAGES) {
      test(`with the content ${JSON.stringify(text)} is renamed, reported and replaced`, async () => {
        const path = put(file, text);

        const open = await openState(host, paths, file);

        expect<unknown>(open.current).toEqual(after);
        expect(fs.existsSync(path)).toBe(false);
        const [aside = ''] = asideOf(path);
        expect(fs.readFileSync(join(dirname(path), aside), 'utf8')).toBe(text);
        expect(said).toHaveLength(1);
        expect(said[0]).toContain(`${file.path(paths)} is damaged: `);
        expect(said[0]).toContain(aside);
      });
    }

    test('is reported but not renamed by a read', async () => {
      const path = put(file, '{');

      expect<unknown>(await readState(host, paths, file)).toEqual(after);
      expect(fs.readFileSync(path, 'utf8')).toBe('{');
      expect(said).toHaveLength(1);
    });

    test('stays where it is in a dry run', async () => {
      const path = put(file, '{');

      await openState(dryRun(host, []), paths, file);

      expect(fs.readFileSync(path, 'utf8')).toBe('{');
    });

    test('is listed for doctor before and after the rename', async () => {
      put(file, '{');
      const [before] = await stateDamages(host, paths, file);
      await openState(host, paths, file);
      const [after_] = await stateDamages(host, paths, file);

      expect(before).toMatchObject({ damage: 'it is not JSON', stops: false });
      expect(after_?.damage).toBeNull();
      expect(after_?.path).toMatch(/\.damaged-\d{8}T\d{6}Z$/);
    });
  });
}

goesOn('the state of the ACME client', ACME_STATE, { ...NO_STATE, agreed: true });
goesOn('the order under way', ORDER, null);
goesOn('the notices of published keys', NOTICES, {});
goesOn('the schedule', SCHEDULE, new Map());
goesOn('the last report', LAST_REPORT, null);

function stops<T>(name: string, file: StateFile<T>): void {
  describe(name, () => {
    test.each(DAMAGES)('with the content %j stays, and every access fails', async (text) => {
      const path = put(file, text);

      for (const attempt of [readState, openState]) {
        const error = await attempt(host, paths, file).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        expect(error).toMatchObject({ code: 'DATA_INVALID' });
        expect(String(error)).toContain(file.path(paths));
        expect((error as { hint: string }).hint).toContain('restore it from a backup');
      }
      expect(fs.readFileSync(path, 'utf8')).toBe(text);
      expect(await stateDamages(host, paths, file)).toMatchObject([{ stops: true }]);
    });
  });
}

stops('the state of the DNS', DNS_STATE);
stops('the DKIM keys', DKIM_STATE);
stops('the host part of a generation', CURRENT_HOST_PART);

test('a waiting key whose notice was lost waits again from now', async () => {
  const key = await generateEcKey();
  const text = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  put({ ...NOTICES, path: ({ acme }) => join(acme, 'next-key.pem') }, text);
  put(NOTICES, 'garbage');

  const { current } = await openState(host, paths, NOTICES);

  expect(Object.keys(current)).toEqual([keyDigest(key)]);
  expect(current[keyDigest(key)]?.first).toBe(false);
});

test('a state file of a newer mailctl is refused and not changed', async () => {
  const path = put(ACME_STATE, '{"v":2,"names":[]}');

  await expect(openState(host, paths, ACME_STATE)).rejects.toThrow('by a newer mailctl');
  expect(fs.readFileSync(path, 'utf8')).toBe('{"v":2,"names":[]}');
});

test('a DKIM state with two signing keys, or none, is damaged', async () => {
  const one = { selector: 'mail', use: 'signing', since: null, removeAt: null, revoked: false };
  put(DKIM_STATE, JSON.stringify({ v: 1, domains: { 'example.com': [one, one] } }));
  await expect(readState(host, paths, DKIM_STATE)).rejects.toThrow('is damaged');
  put(DKIM_STATE, JSON.stringify({ v: 1, domains: { 'example.com': [] } }));
  await expect(readState(host, paths, DKIM_STATE)).rejects.toThrow('is damaged');
  put(DKIM_STATE, JSON.stringify({ v: 1, domains: { 'example.com': [one] } }));
  expect(await readState(host, paths, DKIM_STATE)).toEqual({ 'example.com': [one as never] });
});

test('a state is readable by root only, survives a round trip and is not rewritten unchanged', async () => {
  const state = { ...NO_STATE, names: ['mail.example.com'], agreed: true };
  await (await openState(host, paths, ACME_STATE)).write(state);
  const path = join(root, ACME_STATE.path(paths));
  const { ino, mode } = fs.statSync(path);

  const again = await openState(host, paths, ACME_STATE);
  expect(again.current).toEqual(state);
  await again.write({ ...state });

  expect(mode & 0o7777).toBe(0o600);
  expect(fs.statSync(dirname(path)).mode & 0o7777).toBe(0o700);
  expect(fs.statSync(path).ino).toBe(ino);
});
