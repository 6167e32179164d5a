// The data folder of another place, copied by the programs that people copy with. Needs root.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { adoptData } from '../../../src/appliance/apply/adopt.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { ensureCertificate } from '../../../src/appliance/tls/tls.ts';
import { createHost, type Host } from '../../../src/host/host.ts';

const VMAIL = '105000:105000';
/** Owner on the host of each file of the folder. */
const OWNERS: Readonly<Record<string, string>> = {
  'config/users': '0:0',
  'mail/example.com/alice/new/1.box': VMAIL,
  'mail/example.com/alice/.Junk/cur/2.box:2,S': VMAIL,
  'queue/deferred/A/A1': '100201:100201',
  'queue/maildrop/B2': '100201:100202',
  'queue/pid/master.pid': '100000:100000',
  'state/sieve/example.com/alice/scripts/main.sieve': VMAIL,
  'state/valkey/dump.rdb': '100207:100207',
  'state/postfix/master.lock': '100201:100201',
  'state/fail2ban/fail2ban.sqlite3': '100000:100000',
  'log/current': '100210:100210',
  'dkim/example.com/mail.private': '100206:100206',
  'dkim/keys.json': '0:0',
  'directory/directory.db': '100203:100201',
  'custom/dovecot.conf': '0:0',
};
/** scp starts this in place of ssh; the command runs on this machine. */
const SSH = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec sh -c "$*"\n';

const base = defaultSettings();
let root: string;
let host: Host;
let said: string[];

const applianceAt = (data: string) => {
  const settings = {
    ...base,
    main: { ...base.main, dataPath: data },
    ssl: { ...base.ssl, type: 'selfsigned' as const },
  };
  return { settings, paths: appliancePaths(settings) };
};
const here = applianceAt('/copy/data');
const sh = (script: string) =>
  execFileSync('sh', ['-c', script], { env: { ...process.env, ROOT: root }, stdio: 'pipe' });
const ownersIn = (data: string, names: readonly string[]) =>
  names.map((name) => {
    const { uid, gid } = lstatSync(join(root, data, name));
    return [name, `${uid}:${gid}`];
  });

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'mailctl-adopt-'));
  host = createHost({ root, env: process.env, say: (line) => said.push(line) });
  for (const [name, owner] of Object.entries(OWNERS)) {
    const path = join(root, 'from/data', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, name);
    sh(`chown ${owner} '${path}'`);
  }
  await ensureCertificate(host, applianceAt('/from/data'));
  sh('cd $ROOT/from/data; mkdir -p rendered/g1; ln -s g1 rendered/current; ln -s g1 rendered/good');
  writeFileSync(join(root, 'from/data/rendered/g1/host.json'), '{}');
  writeFileSync(join(root, 'ssh'), SSH, { mode: 0o755 });
});
beforeEach(() => {
  said = [];
  rmSync(join(root, 'copy'), { recursive: true, force: true });
  mkdirSync(join(root, 'copy'));
});
afterAll(() => rmSync(root, { recursive: true }));

describe.skipIf(process.geteuid?.() !== 0)('a data folder that was copied', () => {
  test.each([
    ['tar', 'tar -C $ROOT/from --numeric-owner -cf - data | tar -C $ROOT/copy -xf -'],
    ['cp -a', 'cp -a $ROOT/from/data $ROOT/copy'],
    ['rsync -a', 'rsync -a $ROOT/from/data $ROOT/copy'],
    ['rsync without owners', 'rsync -a --no-owner --no-group $ROOT/from/data $ROOT/copy'],
    ['rsync without links', 'rsync -rp $ROOT/from/data $ROOT/copy'],
    ['cp -r', 'cp -r $ROOT/from/data $ROOT/copy'],
    ['cp -rL', 'cp -rL $ROOT/from/data $ROOT/copy'],
    ['scp -r', 'scp -q -O -r -S $ROOT/ssh other:$ROOT/from/data $ROOT/copy'],
    ['cp -r by a user', 'cp -r $ROOT/from/data $ROOT/copy; chown -R 1000:1000 $ROOT/copy/data'],
    ['other ids', 'cp -a $ROOT/from/data $ROOT/copy; chown -R 123456:100300 $ROOT/copy/data/mail'],
  ])(
    'has its owners and links again, and no generation of the other place: %s',
    async (_, copy) => {
      const chain = readFileSync(join(root, 'from/data/ssl/fullchain.pem'), 'utf8');
      sh(copy);

      await adoptData(host, here, { everyOwner: true });
      const { changed } = await ensureCertificate(host, here);
      const again = said.length;
      await adoptData(host, here, { everyOwner: true });

      expect(ownersIn('copy/data', Object.keys(OWNERS))).toEqual(Object.entries(OWNERS));
      expect(ownersIn('copy/data', ['mail', 'mail/example.com/alice/.Junk'])).toEqual([
        ['mail', VMAIL],
        ['mail/example.com/alice/.Junk', VMAIL],
      ]);
      expect(readFileSync(join(root, 'copy/data/ssl/fullchain.pem'), 'utf8')).toBe(chain);
      expect(readlinkSync(join(root, 'copy/data/ssl/current'))).toStartWith('pair-');
      expect(readlinkSync(join(root, 'copy/data/ssl/privkey.pem'))).toBe('current/privkey.pem');
      expect(readdirSync(join(root, 'copy/data/rendered'))).toEqual([]);
      expect(said.length).toBe(again);
      // the plain files of a followed link are taken over as a pair
      expect(changed).toBe(/cp -rL|scp/.test(copy));
    },
  );

  test('keeps its certificate when the command ends at any point of the repair', async () => {
    const chain = readFileSync(join(root, 'from/data/ssl/fullchain.pem'), 'utf8');
    for (let steps = 0; steps < 8; steps += 1) {
      rmSync(join(root, 'copy/data'), { recursive: true, force: true });
      sh('cp -rL $ROOT/from/data $ROOT/copy');
      let left = steps;
      const dying: Host = {
        ...host,
        files: new Proxy(host.files, {
          get: (files, name: keyof Host['files']) => {
            if (!['replace', 'link', 'removeTree'].includes(name)) return files[name];
            if (left === 0) throw new Error('killed');
            left -= 1;
            return files[name];
          },
        }),
      };
      await adoptData(dying, here, { everyOwner: true })
        .then(() => ensureCertificate(dying, here))
        .catch((error: Error) => expect(error.message).toBe('killed'));

      await adoptData(host, here, { everyOwner: true });
      await ensureCertificate(host, here);

      expect(readFileSync(join(root, 'copy/data/ssl/current/fullchain.pem'), 'utf8')).toBe(chain);
    }
  });
});
