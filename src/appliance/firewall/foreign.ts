// Other people's redirects of the ports of the mail server. fw4 takes the first match, so a second redirect of a port
// would be dead or would take the port from the first; both are the operator's decision. Pure.

import type { PresentSection } from './difference.ts';
import type { Exposed, Service } from './sections.ts';

export interface ForeignRedirect {
  readonly service: Service;
  readonly port: number;
  /** As fw4 names it: its name, or `@redirect[0]`. */
  readonly section: string;
  /** Null: the router itself. */
  readonly to: string | null;
}

const textOf = (section: PresentSection, option: string): string =>
  [section.options.get(option) ?? ''].flat().join(' ');

/** fw4 ignores such a section. */
export function isOff(section: PresentSection): boolean {
  return ['0', 'no', 'off', 'false'].includes(textOf(section, 'enabled'));
}

/** As fw4 names the section in its comments and messages. */
export function labelOf(section: PresentSection, otherwise: string): string {
  return textOf(section, 'name') || section.name || otherwise;
}

/** As in /etc/config/firewall: `25`, `25-30`, `25:30`; empty: every port. */
function coversPort(text: string, port: number): boolean {
  if (text === '') return true;
  const [, first = '', last = first] = /^(\d+)(?:[-:](\d+))?$/.exec(text) ?? [];
  return first !== '' && Number(first) <= port && port <= Number(last);
}

/** Without proto, fw4 matches tcp and udp. */
function matchesTcp(proto: string): boolean {
  const words = proto.toLowerCase().split(/[\s,]+/);
  return (
    proto === '' || words.some((word) => ['tcp', '6', 'tcpudp', 'all', 'any', '*'].includes(word))
  );
}

function isForwarding(section: PresentSection, wan: string): boolean {
  const of = (option: string) => textOf(section, option);
  return (
    section.type === 'redirect' &&
    !isOff(section) &&
    of('target').toUpperCase() !== 'SNAT' &&
    of('src') === wan &&
    of('family') !== 'ipv6' &&
    matchesTcp(of('proto'))
  );
}

interface Search {
  readonly present: readonly PresentSection[];
  /** Names of our own sections. */
  readonly names: ReadonlySet<string>;
  readonly exposed: readonly Exposed[];
  /** Name of the WAN zone. */
  readonly wan: string;
  /** The name of our redirect of a service. */
  readonly nameOf: (service: Service) => string;
}

/** True when our redirect of the service stands before this place, so that fw4 takes ours. */
function isBehindOurs({ present, nameOf }: Search, place: number, service: Service): boolean {
  const ours = present.findIndex((one) => one.name === nameOf(service) && !isOff(one));
  return ours !== -1 && ours < place;
}

/** The redirects that take a port before ours does. */
export function findForeign(search: Search): readonly ForeignRedirect[] {
  const { present, names, exposed, wan } = search;
  const redirects = present.filter(({ type }) => type === 'redirect');
  return present.flatMap((section, place) => {
    if (section.name !== null && names.has(section.name)) return [];
    if (!isForwarding(section, wan)) return [];
    const label = labelOf(section, `@redirect[${redirects.indexOf(section)}]`);
    const to = textOf(section, 'dest_ip') || null;
    return exposed
      .filter(({ port }) => coversPort(textOf(section, 'src_dport'), port))
      .filter(({ service }) => !isBehindOurs(search, place, service))
      .map(({ service, port }) => ({ service, port, section: label, to }));
  });
}
