// Publishes the current addresses of the WAN interface, without waiting for a missing family.

import { lookAtAddresses } from '../../../src/appliance/dns/address-look.ts';
import { planAddresses, publishAddresses } from '../../../src/appliance/dns/addresses.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { readSettings } from '../../../src/appliance/settings/uci-file.ts';
import { createHost } from '../../../src/host/host.ts';

const root = process.env.MAILCTL_ROOT ?? '/';
const host = createHost({ root, env: process.env, say: () => undefined });
const settings = await readSettings(host, '/etc/config/mailserver');
const target = { settings, paths: appliancePaths(settings) };
const look = await lookAtAddresses(host, target);
const plan = await planAddresses(host, target, look.wanted);
await publishAddresses(host, target, { plan, timeout: 30_000 });
console.log(JSON.stringify(look));
