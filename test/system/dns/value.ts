// Publishes or removes one TXT value, as the ACME client does: value.ts publish|remove NAME TEXT

import { publishValues, removeValues } from '../../../src/appliance/dns/publish/values.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { readSettings } from '../../../src/appliance/settings/uci-file.ts';
import { exitStatus } from '../../../src/errors.ts';
import { createHost } from '../../../src/host/host.ts';

const [verb, name = '', value = ''] = process.argv.slice(2);
const root = process.env.MAILCTL_ROOT ?? '/';
const host = createHost({ root, env: process.env, say: () => undefined });
const settings = await readSettings(host, '/etc/config/mailserver');
const target = { settings, paths: appliancePaths(settings) };
const change = verb === 'publish' ? publishValues : removeValues;
try {
  await change(host, target, [{ name, type: 'TXT', value }], { timeout: 30_000 });
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = exitStatus(error);
}
