// The DNS of the test network as zone files: its own root, and all zones below.

import { DOMAINS, NETWORK } from './plan.ts';

export interface Zone {
  /** with the trailing dot; '.' for the root */
  name: string;
  /** the parent that holds its NS and, when signed, its DS; null for the root */
  parent: string | null;
  records: string[];
}

export const NAME_SERVER = 'ns.nic.test.';

const HEAD = [
  '$TTL 30',
  `@ SOA ${NAME_SERVER} hostmaster.nic.test. 1 3600 600 86400 5`,
  `@ NS ${NAME_SERVER}`,
];

/** The root and the TLDs. */
export const topZones = (nameServer: string): Zone[] => [
  { name: '.', parent: null, records: [`${NAME_SERVER} A ${nameServer}`] },
  { name: 'test.', parent: '.', records: [`ns.nic A ${nameServer}`] },
  // The container's resolver treats .test as unsigned (domain-insecure); zones below example. can be signed
  { name: 'example.', parent: '.', records: [] },
];

const reverse = (network: string, names: Record<number, string>): Zone => ({
  name: `${network.split('.').slice(0, 3).reverse().join('.')}.in-addr.arpa.`,
  parent: '.',
  records: Object.entries(names).map(([host, name]) => `${host} PTR ${name}.`),
});

/** The initial zones: our domain has only its address and MX. */
export function labZones(): Zone[] {
  const { ours, outside } = DOMAINS;
  return [
    ...topZones(NETWORK.dns),
    { name: `${ours}.`, parent: 'test.', records: oursRecords(ours) },
    { name: `${outside}.`, parent: 'test.', records: outsideRecords() },
    reverse(NETWORK.router.wan, { 1: `mail.${ours}` }),
    reverse(NETWORK.stranger, { 10: `client.${outside}`, 53: 'ns.nic.test' }),
    reverse(NETWORK.mx, { 25: `mx.${outside}` }),
  ];
}

const oursRecords = (domain: string): string[] => [
  `@ MX 10 mail.${domain}.`,
  `mail A ${NETWORK.router.wan}`,
  `mail AAAA ${NETWORK.router.wan6}`,
];

const outsideRecords = (): string[] => [
  '@ MX 10 mx',
  `@ TXT "v=spf1 ip4:${NETWORK.stranger} ip6:${NETWORK.stranger6} -all"`,
  '_dmarc TXT "v=DMARC1; p=reject"',
  `mx A ${NETWORK.mx}`,
  `client A ${NETWORK.stranger}`,
  `client AAAA ${NETWORK.stranger6}`,
];

export function zoneText(zone: Zone, all: Zone[]): string {
  const delegations = all
    .filter(({ parent }) => parent === zone.name)
    .map(({ name }) => `${name} NS ${NAME_SERVER}`);
  return [...HEAD, ...delegations, ...zone.records, ''].join('\n');
}

/** The operator's lines for the resolver that set another root. */
export function resolverLines(nameServer: string): string {
  const local = ['test.', '2.0.192.in-addr.arpa.', '100.51.198.in-addr.arpa.'];
  const nodefault = [...local, '113.0.203.in-addr.arpa.', '8.b.d.0.1.0.0.2.ip6.arpa.'];
  return [
    'server:',
    // By RFC 6761 and RFC 6303 the resolver would answer NXDOMAIN for these
    ...nodefault.map((zone) => `  local-zone: "${zone}" nodefault`),
    'stub-zone:',
    '  name: "."',
    `  stub-addr: ${nameServer}`,
    '',
  ].join('\n');
}
