// Changes the router's own configuration for the mail server, through uci only; what is not ours stays as it is. When
// fw4 does not load the result, it is taken back, because a ruleset that nft refuses leaves the router without one.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { ANY_STATUS, presentable } from '../../host/programs.ts';
import { commitUci } from '../../host/uci.ts';
import type { Appliance } from '../appliance.ts';
import type { Change } from '../apply/changes.ts';
import { type Difference, foreignSections, readSections } from './difference.ts';
import type { ForeignRedirect } from './foreign.ts';
import { missingRules } from './live.ts';
import {
  CONFIG_FOLDER,
  changesOf,
  type Differences,
  type FirewallPlan,
  hasFirewall,
  isSetUp,
  planClear,
  planFirewall,
  planRestore,
  type RouterFile,
  readConfig,
} from './plan.ts';
import { sectionNames } from './sections.ts';

async function commit(
  host: Host,
  { settings, paths }: Appliance,
  { config, batch }: { config: RouterFile; batch: string },
): Promise<void> {
  const names = sectionNames(settings);
  const before = foreignSections((await readConfig(host, config)) ?? [], names);
  const file = join(CONFIG_FOLDER, config);
  await host.files.makeDirectory(paths.run, { mode: 0o755 });
  await commitUci(host, { config, batch, folder: join(paths.run, 'uci') }, (text) => {
    if (foreignSections(readSections(file, text), names) === before) return;
    throw new MailctlError(
      'HOST_UNFIT',
      `uci would commit the staged changes of others to ${file} along; nothing was changed`,
      { hint: `uci changes ${config}; then uci commit ${config}, or uci revert ${config}` },
    );
  });
}

/** Null on success or when the service is not installed, else what it said. */
async function reload(host: Host, service: 'firewall' | 'dnsmasq'): Promise<string | null> {
  const script = `/etc/init.d/${service}`;
  if ((await host.files.stat(script)) === null) return null;
  const command = [host.files.path(script), 'reload'];
  const { status, stderr } = await host.programs.run(command, { accept: ANY_STATUS });
  return status === 0
    ? null
    : `${script} reload ended with status ${status}: ${presentable(stderr)}`;
}

async function changeNames(host: Host, target: Appliance, { batch }: Difference): Promise<void> {
  if (batch === '') return;
  await commit(host, target, { config: 'dhcp', batch });
  const refusal = await reload(host, 'dnsmasq');
  if (refusal !== null)
    throw new MailctlError('PROGRAM_FAILED', refusal, { hint: 'logread -e dnsmasq' });
}

/** Why the kernel has not all rules of the plan; null when it has them. */
async function findRefusal(host: Host, plan: FirewallPlan): Promise<string | null> {
  const missing = (await missingRules(host, plan.live)) ?? [];
  return missing.length === 0 ? null : `no rule in the kernel for ${missing.join(', ')}`;
}

async function changeRules(host: Host, target: Appliance, plan: FirewallPlan): Promise<void> {
  const { batch } = plan.firewall;
  // an earlier run may have been killed before the reload
  if (batch === '' && (await findRefusal(host, plan)) === null) return;
  if (batch !== '') await commit(host, target, { config: 'firewall', batch });
  const refusal = (await reload(host, 'firewall')) ?? (await findRefusal(host, plan));
  if (refusal === null) return;
  const hint = 'fw4 check';
  if (batch === '') throw new MailctlError('PROGRAM_FAILED', refusal, { hint });
  const back = await planRestore(host, target, plan.before);
  await commit(host, target, { config: 'firewall', batch: back.batch });
  await reload(host, 'firewall');
  const message = `the firewall did not load the changed sections, which were taken back: ${refusal}`;
  throw new MailctlError('PROGRAM_FAILED', message, { hint });
}

export interface FirewallSetup {
  readonly changes: readonly Change[];
  readonly foreign: readonly ForeignRedirect[];
  readonly disabled: readonly string[];
}

/** Throws as `planFirewall` does, and PROGRAM_FAILED when the firewall refuses the sections. */
export async function setUpFirewall(host: Host, target: Appliance): Promise<FirewallSetup> {
  const plan = await planFirewall(host, target);
  await changeRules(host, target, plan);
  await changeNames(host, target, plan.dhcp);
  return { changes: changesOf(plan), foreign: plan.foreign, disabled: plan.disabled };
}

/** Removes every section of ours. Throws PROGRAM_FAILED. */
export async function clearFirewall(host: Host, target: Appliance): Promise<readonly Change[]> {
  const plan: Differences = await planClear(host, target);
  if (plan.firewall.batch !== '') {
    await commit(host, target, { config: 'firewall', batch: plan.firewall.batch });
    const refusal = await reload(host, 'firewall');
    if (refusal !== null) throw new MailctlError('PROGRAM_FAILED', refusal, { hint: 'fw4 check' });
  }
  await changeNames(host, target, plan.dhcp);
  return changesOf(plan);
}

/** Brings the sections up to date, once `firewall-setup` was run. Throws as `setUpFirewall` does. */
export async function followFirewall(host: Host, target: Appliance): Promise<readonly Change[]> {
  if (!(await hasFirewall(host)) || !(await isSetUp(host, target))) return [];
  return (await setUpFirewall(host, target)).changes;
}
