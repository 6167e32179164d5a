// The sections that the router's firewall (fw4) and LAN resolver (dnsmasq) need for the mail server. All are named, and
// every name is one of `sectionNames`, so that other sections are never mistaken for ours. Pure.

import { bareAddress, isIpv6Suffix } from '../../host/ip.ts';
import { privateReason } from '../dns/publish/names.ts';
import type { Settings } from '../settings/settings.ts';

export interface WantedSection {
  readonly type: string;
  readonly name: string;
  readonly options: Readonly<Record<string, string | readonly string[]>>;
}

export interface RouterFacts {
  readonly settings: Settings;
  /** Names of the firewall zones. */
  readonly wan: string;
  readonly lan: string;
  /** Of the container, without prefix lengths. */
  readonly address: string;
  readonly address6: string | null;
}

export type Service = Settings['firewall']['services'][number];

/** In the order of the rules. */
const SERVICES: readonly Service[] = [
  ...(['smtp', 'smtps', 'submission', 'imaps', 'imap', 'pop3', 'pop3s', 'sieve'] as const),
];

/**
 * Letters, digits and underscores: with any other name, fw4 loads a ruleset without zones. Not a digit first: nft
 * refuses such a set, and with it the whole ruleset.
 */
function prefixOf({ main }: Settings): string {
  const name = main.container.replaceAll(/[^A-Za-z0-9]/g, '_');
  return `${/^[A-Za-z]/.test(name) ? '' : 'mail'}${name}_`;
}

/** The name of our redirect of a service. */
export function redirectName(settings: Settings, service: Service): string {
  return `${prefixOf(settings)}${service}`;
}

/** Names of every section that any settings of this appliance can want. */
export function sectionNames(settings: Settings): ReadonlySet<string> {
  const parts = [
    ...SERVICES.flatMap((service) => [service, `${service}6`]),
    ...['banned', 'banned6', 'drop', 'drop6', 'name', 'name6'],
  ];
  return new Set(parts.map((part) => `${prefixOf(settings)}${part}`));
}

export interface Exposed {
  readonly service: Service;
  readonly port: number;
}

/** The services that the WAN may reach, with their ports. */
export function exposedServices({ firewall, ports }: Settings): readonly Exposed[] {
  return SERVICES.flatMap((service) => {
    const port = ports[service];
    return port !== null && firewall.services.includes(service) ? [{ service, port }] : [];
  });
}

/** dest_ip of the IPv6 rules; null where no stranger can reach the container with IPv6. */
function destination6({ network }: Settings): string | null {
  if (network.address6 === null) return null;
  const address = bareAddress(network.address6);
  // matches in every prefix; with a prefix in front, fw4 prints a match that is never true
  if (isIpv6Suffix(address)) return `${address}/::ffff:ffff:ffff:ffff`;
  return privateReason(address) === null ? address : null;
}

/** The name of the nftables set of banned addresses. */
export function banSet(settings: Settings, version: 4 | 6): string {
  return `${prefixOf(settings)}banned${version === 6 ? '6' : ''}`;
}

function banSections(facts: RouterFacts, version: 4 | 6, destination: string): WantedSection[] {
  const { settings, wan, lan } = facts;
  const family = `ipv${version}`;
  const set = banSet(settings, version);
  const comment = 'addresses banned by the mail server';
  const timeout = String(settings.fail2ban.banTime);
  const rule = `${prefixOf(settings)}drop${version === 6 ? '6' : ''}`;
  return [
    {
      type: 'ipset',
      name: set,
      options: { name: set, comment, family, match: ['src_ip'], timeout },
    },
    {
      type: 'rule',
      name: rule,
      options: {
        ...{ src: wan, dest: lan, family, proto: 'all', ipset: set },
        // the container chooses the addresses: it may close nothing but its own ports
        dest_ip: destination,
        target: 'DROP',
      },
    },
  ];
}

function redirect(facts: RouterFacts, { service, port }: Exposed): WantedSection {
  const { settings, wan: src, lan: dest, address } = facts;
  const text = String(port);
  const options = {
    ...{ target: 'DNAT', src, dest, family: 'ipv4', proto: 'tcp', src_dport: text },
    ...{ dest_ip: address, dest_port: text, reflection: '1' },
  };
  return { type: 'redirect', name: redirectName(settings, service), options };
}

function rule6(facts: RouterFacts, { service, port }: Exposed, to: string): WantedSection {
  const { settings, wan: src, lan: dest } = facts;
  const options = {
    ...{ src, dest, family: 'ipv6', proto: 'tcp', dest_ip: to, dest_port: String(port) },
    target: 'ACCEPT',
  };
  return { type: 'rule', name: `${prefixOf(settings)}${service}6`, options };
}

/**
 * Of /etc/config/firewall. The bans precede the rules that accept: fw4 keeps their order, and the first match decides.
 * @param left services whose IPv4 port another redirect has
 */
export function firewallSections(
  facts: RouterFacts,
  left: ReadonlySet<Service>,
): readonly WantedSection[] {
  const { settings } = facts;
  const exposed = exposedServices(settings);
  const to6 = destination6(settings);
  const bans = settings.features.fail2ban && exposed.length > 0;
  const sections = [
    ...(bans ? banSections(facts, 4, facts.address) : []),
    ...(bans && to6 !== null ? banSections(facts, 6, to6) : []),
  ];
  const sets = sections.filter(({ type }) => type === 'ipset');
  const drops = sections.filter(({ type }) => type !== 'ipset');
  return [
    ...sets,
    ...drops,
    ...exposed.filter(({ service }) => !left.has(service)).map((one) => redirect(facts, one)),
    ...(to6 === null ? [] : exposed.map((one) => rule6(facts, one, to6))),
  ];
}

/** Of /etc/config/dhcp: the LAN's dnsmasq answers the hostname with the container's addresses. */
export function nameSections(facts: RouterFacts): readonly WantedSection[] {
  const { settings, address, address6 } = facts;
  if (!settings.firewall.splitHorizon) return [];
  const of = (part: string, ip: string): WantedSection => ({
    type: 'domain',
    name: `${prefixOf(settings)}${part}`,
    options: { name: settings.main.hostname, ip },
  });
  return [of('name', address), ...(address6 === null ? [] : [of('name6', address6)])];
}
