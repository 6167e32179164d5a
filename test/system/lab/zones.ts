// The whole name space of the test network, as zone files: a root of its own, and everything below it.

import { DOMAINS, NETWORK } from './plan.ts';

export interface Zone {
  /** with the trailing dot; '.' for the root */
  name: string;
  /** the parent that holds its NS and, when signed, its DS; null for the root */
  parent: string | null;
  records: string[];
}

const NAME_SERVER = 'ns.nic.test.';

const head = [
  '$TTL 30',
  `@ SOA ${NAME_SERVER} hostmaster.nic.test. 1 3600 600 86400 5`,
  `@ NS ${NAME_SERVER}`,
];

const reverse = (network: string, names: Record<number, string>): Zone => ({
  name: `${network.split('.').slice(0, 3).reverse().join('.')}.in-addr.arpa.`,
  parent: '.',
  records: Object.entries(names).map(([host, name]) => `${host} PTR ${name}.`),
});

/** The zones before anything is published for our own domain but its address and MX. */
export function labZones(): Zone[] {
  const { ours, outside } = DOMAINS;
  return [
    { name: '.', parent: null, records: [] },
    { name: 'test.', parent: '.', records: [`ns.nic A ${NETWORK.dns}`] },
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
  const glue = zone.name === '.' ? [`${NAME_SERVER} A ${NETWORK.dns}`] : [];
  const delegations = all
    .filter(({ parent }) => parent === zone.name)
    .map(({ name }) => `${name} NS ${NAME_SERVER}`);
  return [...head, ...glue, ...delegations, ...zone.records, ''].join('\n');
}
