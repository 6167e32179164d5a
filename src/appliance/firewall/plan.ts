// What the mail server needs in /etc/config/firewall (fw4) and /etc/config/dhcp (dnsmasq), and how those files differ
// from it. Read-only. A host without /etc/config/firewall needs none of this: there mailctl publishes the ports itself.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import type { Appliance } from '../appliance.ts';
import type { Change } from '../apply/changes.ts';
import { desiredNetwork } from '../container/bridge.ts';
import { type Difference, type PresentSection, planSections, readSections } from './difference.ts';
import { type ForeignRedirect, findForeign, isOff, labelOf } from './foreign.ts';
import type { LiveRule } from './live.ts';
import {
  addressOf,
  exposedServices,
  firewallSections,
  nameSections,
  type RouterFacts,
  redirectName,
  type Service,
  sectionNames,
  type WantedSection,
} from './sections.ts';
import { findZones } from './zones.ts';

export const CONFIG_FOLDER = '/etc/config';

export type RouterFile = 'firewall' | 'dhcp';

/** Null when this host has no such file. Throws DATA_INVALID. */
export async function readConfig(
  host: Host,
  config: RouterFile | 'network',
): Promise<readonly PresentSection[] | null> {
  const file = join(CONFIG_FOLDER, config);
  const text = await host.files.read(file);
  return text === null ? null : readSections(file, text);
}

export async function hasFirewall(host: Host): Promise<boolean> {
  return (await host.files.stat(join(CONFIG_FOLDER, 'firewall'))) !== null;
}

/** True when `firewall-setup` was run, and not cleared since. */
export async function isSetUp(host: Host, { settings }: Appliance): Promise<boolean> {
  const names = sectionNames(settings);
  const present = [
    ...((await readConfig(host, 'firewall')) ?? []),
    ...((await readConfig(host, 'dhcp')) ?? []),
  ];
  return present.some(({ name }) => name !== null && names.has(name));
}

/** The differences by file. */
export type Differences = Readonly<Record<RouterFile, Difference>>;

export interface FirewallPlan extends Differences {
  /** Redirects of our ports to other hosts. */
  readonly foreign: readonly ForeignRedirect[];
  /** Sections of ours that the operator has disabled. */
  readonly disabled: readonly string[];
  /** What the kernel must have loaded. */
  readonly live: readonly LiveRule[];
  /** Our sections of /etc/config/firewall as they are. */
  readonly before: readonly WantedSection[];
}

const NOTHING: Difference = { changes: [], batch: '' };

async function readFacts(
  host: Host,
  target: Appliance,
  firewall: readonly PresentSection[],
): Promise<RouterFacts> {
  const network = (await readConfig(host, 'network')) ?? [];
  const zones = findZones(target.settings, { firewall, network });
  const { address, address6 } = await desiredNetwork(host, target);
  return {
    ...zones,
    settings: target.settings,
    address: bareAddress(address),
    address6: address6 === null ? null : bareAddress(address6),
  };
}

/** Throws HOST_UNFIT, DATA_INVALID. */
export async function planFirewall(host: Host, target: Appliance): Promise<FirewallPlan> {
  const { settings } = target;
  const present = (await readConfig(host, 'firewall')) ?? [];
  const dhcp = await readConfig(host, 'dhcp');
  const names = sectionNames(settings);
  const facts = await readFacts(host, target, present);
  const exposed = exposedServices(settings);
  const nameOf = (service: Service) => redirectName(settings, service);
  const redirects = findForeign({ present, names, exposed, wan: facts.wan, nameOf });
  const left = new Set(redirects.map(({ service }) => service));
  const wanted = firewallSections(facts, left);
  const ours = present.filter(({ name }) => name !== null && names.has(name));
  const disabled = ours.filter(isOff).flatMap(({ name }) => name ?? []);
  // fw4 drops a rule with its set
  const isLive = ({ name, options }: WantedSection) =>
    ![name, options.ipset].some((one) => typeof one === 'string' && disabled.includes(one));
  const label = (name: string) => {
    const section = ours.find((one) => one.name === name);
    return section === undefined ? name : labelOf(section, name);
  };
  return {
    firewall: planSections({ config: 'firewall', present, wanted, names }),
    dhcp:
      dhcp === null
        ? NOTHING
        : planSections({ config: 'dhcp', present: dhcp, wanted: nameSections(facts), names }),
    foreign: redirects.filter(({ to, service }) => to !== addressOf(facts, service)),
    disabled,
    live: wanted
      .filter(isLive)
      .map(({ type, name }) =>
        type === 'ipset' ? { kind: 'set', label: name } : { kind: 'rule', label: label(name) },
      ),
    before: ours.map(asWanted),
  };
}

const asWanted = ({ type, name, options }: PresentSection): WantedSection => ({
  ...{ type, name: name ?? '' },
  options: Object.fromEntries(options),
});

/** Gives our sections of /etc/config/firewall their former state. Throws DATA_INVALID. */
export async function planRestore(
  host: Host,
  { settings }: Appliance,
  before: readonly WantedSection[],
): Promise<Difference> {
  const present = (await readConfig(host, 'firewall')) ?? [];
  const names = sectionNames(settings);
  return planSections({ config: 'firewall', present, wanted: before, names });
}

/** The removal of every section of ours. Throws DATA_INVALID. */
export async function planClear(host: Host, { settings }: Appliance): Promise<Differences> {
  const names = sectionNames(settings);
  const without = async (config: RouterFile) => {
    const present = await readConfig(host, config);
    return present === null ? NOTHING : planSections({ config, present, wanted: [], names });
  };
  return { firewall: await without('firewall'), dhcp: await without('dhcp') };
}

export const changesOf = ({ firewall, dhcp }: Differences): readonly Change[] => [
  ...firewall.changes,
  ...dhcp.changes,
];

/** What `apply` would change in the router's configuration; nothing before `firewall-setup`. */
export async function planFollowing(host: Host, target: Appliance): Promise<readonly Change[]> {
  if (!(await hasFirewall(host)) || !(await isSetUp(host, target))) return [];
  return changesOf(await planFirewall(host, target));
}
