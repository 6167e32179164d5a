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
  ...(['https', 'http'] as const),
];

const isWeb = (service: Service): service is 'http' | 'https' =>
  service === 'http' || service === 'https';

/** Null for a service that is off; those of the web container are off until it is installed. */
function portOf({ ports, web }: Settings, service: Service): number | null {
  if (!isWeb(service)) return ports[service];
  return web.enabled && web.address !== null ? web[service] : null;
}

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
    ...['banned', 'banned6', 'drop', 'drop6', 'name', 'name6', 'webname', 'webname6', 'mesh'],
  ];
  return new Set(parts.map((part) => `${prefixOf(settings)}${part}`));
}

export interface Exposed {
  readonly service: Service;
  readonly port: number;
}

/** The services that the WAN may reach, with their ports. */
export function exposedServices(settings: Settings): readonly Exposed[] {
  return SERVICES.flatMap((service) => {
    const port = portOf(settings, service);
    const exposed = port !== null && settings.firewall.services.includes(service);
    return exposed ? [{ service, port }] : [];
  });
}

/** IPv4 of the container that serves it. */
export function addressOf({ settings, address }: RouterFacts, service: Service): string {
  return isWeb(service) ? bareAddress(settings.web.address ?? address) : address;
}

/** dest_ip of the IPv6 rules; null where no stranger can reach the container with IPv6. @param address6 of UCI */
function destination6(address6: string | null): string | null {
  if (address6 === null) return null;
  const address = bareAddress(address6);
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
  const { settings, wan: src, lan: dest } = facts;
  const text = String(port);
  const options = {
    ...{ target: 'DNAT', src, dest, family: 'ipv4', proto: 'tcp', src_dport: text },
    ...{ dest_ip: addressOf(facts, service), dest_port: text, reflection: '1' },
  };
  return { type: 'redirect', name: redirectName(settings, service), options };
}

/** None where no stranger reaches the container with IPv6. */
function rules6(facts: RouterFacts, { service, port }: Exposed): WantedSection[] {
  const { settings, wan: src, lan: dest } = facts;
  const { web, network } = settings;
  const to = destination6(isWeb(service) ? web.address6 : network.address6);
  if (to === null) return [];
  const options = {
    ...{ src, dest, family: 'ipv6', proto: 'tcp', dest_ip: to, dest_port: String(port) },
    target: 'ACCEPT',
  };
  return [{ type: 'rule', name: `${prefixOf(settings)}${service}6`, options }];
}

const BOX = /^[0-9a-f]{64}$/;

/** The port on which this host answers other boxes: open only while there are such peers. */
function meshRules({ settings, wan: src }: RouterFacts): WantedSection[] {
  const { enabled, listen, port, backupPeers } = settings.mesh;
  const answers = enabled && listen.length > 0 && backupPeers.some((peer) => BOX.test(peer));
  if (!answers) return [];
  const options = { src, proto: 'tcp', dest_port: String(port), target: 'ACCEPT' };
  return [{ type: 'rule', name: `${prefixOf(settings)}mesh`, options }];
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
  const to6 = destination6(settings.network.address6);
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
    ...exposed.flatMap((one) => rules6(facts, one)),
    ...meshRules(facts),
  ];
}

/** Of /etc/config/dhcp: the LAN's dnsmasq answers the names with the addresses of the containers. */
export function nameSections(facts: RouterFacts): readonly WantedSection[] {
  const { settings, address, address6 } = facts;
  const { main, web, webmail, firewall } = settings;
  if (!firewall.splitHorizon) return [];
  const of = (part: string, name: string, ip: string | null): WantedSection[] => {
    if (ip === null) return [];
    return [{ type: 'domain', name: `${prefixOf(settings)}${part}`, options: { name, ip } }];
  };
  const hasWebmail = web.enabled && webmail.enabled && web.address !== null;
  const own = hasWebmail ? web : { address: null, address6: null };
  const bare = (cidr: string | null) =>
    cidr === null || isIpv6Suffix(cidr) ? null : bareAddress(cidr);
  return [
    ...of('name', main.hostname, address),
    ...of('name6', main.hostname, address6),
    ...of('webname', `webmail.${main.domain}`, bare(own.address)),
    ...of('webname6', `webmail.${main.domain}`, bare(own.address6)),
  ];
}
