// The host's table of family inet: it publishes the ports on a bridge of mailctl, and keeps the container away from
// the host and from its own bridge. Pure.

import { bareAddress } from '../../host/ip.ts';
import type { Egress } from './egress.ts';
import { hostEgress } from './egress-rules.ts';
import { hostDevice, type NetworkPlan, tableName } from './network.ts';
import { linkLocal } from './veth.ts';

function publishedOn(plan: NetworkPlan, family: 'ip' | 'ip6'): string | null {
  if (plan.publish === 'all') return 'fib daddr type local';
  const wanted = plan.publish.filter((address) => address.includes(':') === (family === 'ip6'));
  return wanted.length === 0 ? null : `${family} daddr { ${wanted.join(', ')} }`;
}

interface Family {
  readonly ip: 'ip' | 'ip6';
  readonly nfproto: 'ipv4' | 'ipv6';
  readonly container: string;
  readonly loopback: string;
}

function families(plan: NetworkPlan): Family[] {
  const container = bareAddress(plan.address);
  const all: Family[] = [{ ip: 'ip', nfproto: 'ipv4', container, loopback: '127.0.0.0/8' }];
  if (plan.address6 === null) return all;
  const container6 = bareAddress(plan.address6);
  return [...all, { ip: 'ip6', nfproto: 'ipv6', container: container6, loopback: '::1' }];
}

function familyRules(plan: NetworkPlan, family: Family) {
  const { ip, nfproto, container, loopback } = family;
  const on = publishedOn(plan, ip);
  const ports = `tcp dport { ${plan.ports.join(', ')} }`;
  const publish = on !== null && plan.ports.length > 0;
  const dnat = `meta nfproto ${nfproto} ${on} ${ports} dnat ${ip} to ${container}`;
  return {
    prerouting: publish ? [dnat] : [],
    // not for 127.0.0.1: the kernel does not forward loopback addresses to the bridge
    output: publish ? [`${ip} daddr != ${loopback} ${dnat}`] : [],
    postrouting: [
      `${ip} saddr ${container} oifname != "${plan.bridge}" masquerade`,
      // hairpin: a connection of the container to its own published address
      `${ip} saddr ${container} ${ip} daddr ${container} masquerade`,
    ],
  };
}

function chain(name: string, hook: string, rules: readonly string[]): string {
  return [`  chain ${name} {`, `    ${hook}`, ...rules.map((rule) => `    ${rule}`), '  }'].join(
    '\n',
  );
}

function publishing(plan: NetworkPlan): string[] {
  const rules = families(plan).map((family) => familyRules(plan, family));
  const nat = (name: 'prerouting' | 'output' | 'postrouting', priority: string) =>
    chain(
      name,
      `type nat hook ${name} priority ${priority}; policy accept;`,
      rules.flatMap((rule) => rule[name]),
    );
  return [nat('prerouting', 'dstnat'), nat('output', '-100'), nat('postrouting', 'srcnat')];
}

/** Sources of the container, as nft matches. */
function sources({ address, address6, veth }: NetworkPlan): string[] {
  const four = `ip saddr ${bareAddress(address)}`;
  if (address6 === null || veth === null) return [four];
  return [four, `ip6 saddr { ${bareAddress(address6)}, ${linkLocal(veth.mac)} }`];
}

function confining(plan: NetworkPlan, egress: Egress): string[] {
  const from = sources(plan);
  const device = hostDevice(plan);
  const back = `iifname "${device}" oifname "${device}"`;
  const filter = (hook: string) => `type filter hook ${hook} priority filter - 10; policy accept;`;
  const [first = '', ...rest] = hostEgress(egress);
  return [
    chain('egress', first, rest),
    chain(
      'input',
      filter('input'),
      from.map((source) => `${source} goto egress`),
    ),
    chain(
      'forward',
      filter('forward'),
      from.map((source) => `${back} ${source} goto egress`),
    ),
  ];
}

/** An nft script that replaces the appliance's table in one transaction. */
export function renderTable(container: string, plan: NetworkPlan): string {
  const table = `table inet ${tableName(container)}`;
  return `${[
    // declares the table first, so that the deletion cannot fail
    table,
    `delete ${table}`,
    `${table} {`,
    ...(plan.makeBridge ? publishing(plan) : []),
    ...(plan.egress === null ? [] : confining(plan, plan.egress)),
    '}',
  ].join('\n')}\n`;
}
