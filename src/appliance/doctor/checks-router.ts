// Checks of the router's firewall and LAN names. A host without /etc/config/firewall passes: there mailctl publishes the
// ports itself, and plan shows what is missing.

import { queryResolver } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress, canonicalIpv6 } from '../../host/ip.ts';
import type { Appliance } from '../appliance.ts';
import { desiredNetwork } from '../container/bridge.ts';
import { queryBridge } from '../container/network-apply.ts';
import { missingRules } from '../firewall/live.ts';
import { hasFirewall, isSetUp, planFirewall } from '../firewall/plan.ts';
import type { Check, Report } from './context.ts';
import type { Finding } from './finding.ts';

const NO_FIREWALL = 'this host has no /etc/config/firewall';

/** Why there is nothing to check, or null. */
async function nothingToCheck(host: Host, target: Appliance): Promise<string | null> {
  if (!(await hasFirewall(host))) return NO_FIREWALL;
  return (await isSetUp(host, target)) ? null : 'firewall-setup was not run';
}

const sections: Check = {
  id: 'firewall.sections',
  about: "the router's firewall and names have the sections of the mail server",
  measured: '/etc/config/firewall and /etc/config/dhcp, compared with the UCI file',
  run: async ({ host, target }, report) => {
    if (!(await hasFirewall(host))) return report('ok', NO_FIREWALL);
    if (!(await isSetUp(host, target))) {
      const message =
        "the router's firewall has no rules for the server: it is not reachable from the WAN";
      return report('warning', message, { fix: 'mailctl firewall-setup' });
    }
    const { firewall, dhcp, foreign, disabled } = await planFirewall(host, target);
    const findings: Finding[] = foreign.map(({ port, section, to }) => {
      const message = `redirect '${section}' sends port ${port} to ${to ?? 'the router itself'}, not to the mail server`;
      return report('error', message, {
        fix: `remove redirect '${section}', then: mailctl firewall-setup`,
      });
    });
    const names = [...firewall.changes, ...dhcp.changes].map(({ name }) => name);
    if (names.length > 0) {
      const message = `sections are missing or differ: ${names.join(', ')}`;
      findings.push(report('warning', message, { fix: 'mailctl firewall-setup' }));
    }
    if (disabled.length > 0) {
      findings.push(report('note', `disabled in /etc/config/firewall: ${disabled.join(', ')}`));
    }
    return findings.length > 0 ? findings : report('ok', 'every section is in place');
  },
};

const rules: Check = {
  id: 'firewall.rules',
  about: "the router's firewall has loaded the rules of the mail server",
  measured: 'nft list table inet fw4',
  run: async ({ host, target }, report) => {
    const nothing = await nothingToCheck(host, target);
    if (nothing !== null) return report('ok', nothing);
    const missing = await missingRules(host, (await planFirewall(host, target)).live);
    const fix = '/etc/init.d/firewall reload   (fw4 check shows why a section is refused)';
    if (missing === null) return report('unknown', 'inconclusive: fw4 has loaded no table');
    if (missing.length === 0) return report('ok', 'every rule is loaded');
    return report('error', `not loaded: ${missing.join(', ')}`, { fix });
  },
};

async function answersOf(server: string, name: string, type: 'A' | 'AAAA'): Promise<string[]> {
  const { answers } = await queryResolver([{ name: server, address: server }], { name, type });
  const values = answers.filter((record) => record.type === type).map(({ value }) => value);
  return type === 'A' ? values : values.map(canonicalIpv6);
}

/** What the LAN's resolver answers in place of the container's address; empty when it is right. */
async function wrongAnswers(host: Host, target: Appliance): Promise<string[]> {
  const { address, address6, bridge, gateway, vlan } = await desiredNetwork(host, target);
  const { addresses } = await queryBridge(host, bridge, vlan?.id);
  const server = bareAddress(addresses[0] ?? gateway);
  const { hostname } = target.settings.main;
  const expected = [
    { type: 'A', value: bareAddress(address) } as const,
    ...(address6 === null ? [] : [{ type: 'AAAA', value: bareAddress(address6) } as const]),
  ];
  const wrong: string[] = [];
  for (const { type, value } of expected) {
    const found = await answersOf(server, hostname, type);
    const wanted = type === 'A' ? value : canonicalIpv6(value);
    if (found.join() !== wanted)
      wrong.push(`${type} ${found.join(', ') || 'none'} (wanted: ${wanted})`);
  }
  return wrong;
}

async function checkNames(host: Host, target: Appliance, report: Report): Promise<Finding> {
  const wrong = await wrongAnswers(host, target);
  const { hostname } = target.settings.main;
  if (wrong.length === 0) return report('ok', `${hostname} is the container's address on the LAN`);
  const message = `LAN clients get another address for ${hostname}: ${wrong.join('; ')}`;
  return report('warning', message, { fix: 'mailctl firewall-setup; /etc/init.d/dnsmasq reload' });
}

const names: Check = {
  id: 'firewall.names',
  about: "the LAN's resolver answers the hostname with the container's address",
  measured: "A and AAAA of the hostname at the router's address on the bridge",
  run: async ({ host, target }, report) => {
    const nothing = await nothingToCheck(host, target);
    if (nothing !== null) return report('ok', nothing);
    if (!target.settings.firewall.splitHorizon) {
      return report('ok', 'mailserver.firewall.split_horizon is 0');
    }
    return checkNames(host, target, report);
  },
};

export const ROUTER_CHECKS: readonly Check[] = [sections, rules, names];
