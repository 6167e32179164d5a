// Conflicts between options that are valid separately.

import { contains, isIpv6Suffix, isSameIp, parseIp, parseNetwork } from '../../host/ip.ts';
import type { Conflict } from './conflict.ts';
import { INNER_PORTS } from './inner-ports.ts';
import { findRelayConflicts, findSenderRelayConflicts } from './relay-conflicts.ts';
import { textsOf } from './senders.ts';
import type { Settings } from './settings.ts';
import { findWebConflicts } from './web-conflicts.ts';

/** All conflicts, including those between invalid options. */
export function findConflicts(settings: Settings): readonly Conflict[] {
  return [
    ...findNameConflicts(settings),
    ...findFolderConflicts(settings),
    ...findNetworkConflicts(settings),
    ...findPortConflicts(settings),
    ...findRelayConflicts(settings),
    ...findSenderRelayConflicts(settings),
    ...findLimitConflicts(settings),
    ...findSenderConflicts(settings),
    ...findDnsConflicts(settings),
    ...findCertificateConflicts(settings),
    ...findWebConflicts(settings),
  ];
}

const MAX_NAME = 253;

function findNameConflicts({ main, webmail }: Settings): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  if (main.hostname.length > MAX_NAME) {
    const message = `hostname and domain together have ${main.hostname.length} characters; the limit is ${MAX_NAME}`;
    conflicts.push({ options: ['main.hostname', 'main.domain'], message });
  }
  if (webmail.enabled && webmail.container === main.container) {
    const message = `main.container and webmail.container are both '${main.container}'`;
    conflicts.push({ options: ['webmail.container', 'main.container'], message });
  }
  return conflicts;
}

const LXC_PATHS = ['/srv/lxc', '/var/lib/lxc'];

/** The data must not be inside the container's folder, which is removed with the container. */
function findFolderConflicts({ main }: Settings): readonly Conflict[] {
  const folders = (main.lxcPath === null ? LXC_PATHS : [main.lxcPath]).map(
    (lxcPath) => `${lxcPath}/${main.container}`,
  );
  const taken = folders.find(
    (folder) =>
      `${main.dataPath}/`.startsWith(`${folder}/`) || folder.startsWith(`${main.dataPath}/`),
  );
  if (taken === undefined) {
    return [];
  }
  const message = `data_path ${main.dataPath} and the container's folder ${taken} must not contain each other`;
  return [{ options: ['main.data_path', 'main.lxc_path', 'main.container'], message }];
}

function findNetworkConflicts({ network }: Settings): readonly Conflict[] {
  return [
    ...findGatewayConflicts(network.address, network.gateway, ''),
    ...findGatewayConflicts(network.address6, network.gateway6, '6'),
    ...findSuffixConflicts(network.address6),
  ];
}

/** The prefix that routers delegate to a link is a /64 (RFC 4291 2.5.1). */
function findSuffixConflicts(address6: string | null): readonly Conflict[] {
  if (address6 === null || !isIpv6Suffix(address6) || address6.endsWith('/64')) return [];
  const message = `address6 ${address6} is a suffix, which requires the prefix length 64`;
  return [{ options: ['network.address6'], message }];
}

function findGatewayConflicts(
  address: string | null,
  gateway: string | null,
  suffix: '' | '6',
): readonly Conflict[] {
  const router = gateway === null ? undefined : parseIp(gateway);
  const own = address === null ? undefined : parseNetwork(address);
  const options = [`network.gateway${suffix}`, `network.address${suffix}`] as const;
  if (router === undefined) {
    return [];
  }
  if (own === undefined) {
    return [{ options, message: `gateway${suffix} requires address${suffix}` }];
  }
  if (isSameIp(own, router)) {
    return [{ options, message: `gateway${suffix} and address${suffix} are both ${gateway}` }];
  }
  // A link-local router is reachable from every IPv6 network: RFC 4861 §6
  const linkLocal = parseNetwork('fe80::/10');
  const isReachable = contains(own, router) || (linkLocal && contains(linkLocal, router));
  // The prefix of a suffix is known only on the bridge
  if (suffix === '6' && isIpv6Suffix(address ?? '')) return [];
  const message = `gateway${suffix} ${gateway} is not in the network of address${suffix} ${address}`;
  return isReachable ? [] : [{ options, message }];
}

function findPortConflicts({ ports }: Settings): readonly Conflict[] {
  const named = Object.entries(ports);
  const inner = named
    .filter(([, port]) => INNER_PORTS.includes(port))
    .map(([name, port]): Conflict => {
      const message = `ports.${name} is ${port}, which the container reserves for mail that Sieve sends or that is forwarded`;
      return { options: [`ports.${name}`], message };
    });
  const equal = named.flatMap(([name, port], index) =>
    named
      .slice(0, index)
      .filter(([, other]) => other === port && port !== null)
      .map(([earlier]): Conflict => {
        const message = `ports.${earlier} and ports.${name} are both ${port}`;
        return { options: [`ports.${name}`, `ports.${earlier}`], message };
      }),
  );
  return [...inner, ...equal];
}

function findLimitConflicts({ smtp, spam }: Settings): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  if (smtp.delayWarning !== null && smtp.delayWarning >= smtp.queueLifetime) {
    const message = 'delay_warning must be shorter than queue_lifetime';
    conflicts.push({ options: ['smtp.delay_warning', 'smtp.queue_lifetime'], message });
  }
  if (spam.junkScore >= spam.rejectScore) {
    const message = 'junk_score must be lower than reject_score';
    conflicts.push({ options: ['spam.junk_score', 'spam.reject_score'], message });
  }
  if (spam.greylistScore >= spam.rejectScore) {
    const message = 'greylist_score must be lower than reject_score';
    conflicts.push({ options: ['spam.greylist_score', 'spam.reject_score'], message });
  }
  return conflicts;
}

function findSenderConflicts({ spam, features }: Settings): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  const { spf, dkim, dmarc } = features;
  if (spam.dmarcFailure === 'reject' && !(spf && dkim && dmarc)) {
    const message =
      "dmarc_failure 'reject' requires features.dmarc, features.spf and features.dkim";
    conflicts.push({ options: ['spam.dmarc_failure', 'features.dmarc'], message });
  }
  const sender = textsOf(spam.allow, 'address', 'domain')[0];
  if (sender !== undefined && !spf && !dkim) {
    const message = `allow ${sender} has no effect: a sender counts only if features.spf or features.dkim verifies it`;
    conflicts.push({ options: ['spam.allow', 'features.spf'], message });
  }
  const denied = textsOf(spam.deny, 'address', 'domain', 'network');
  const both = spam.allow.find(({ text }) => denied.includes(text));
  if (both !== undefined) {
    const message = `${both.text} is in allow and in deny`;
    conflicts.push({ options: ['spam.allow', 'spam.deny'], message });
  }
  return conflicts;
}

/** With `-ed25519` a selector must still fit into a DNS label. */
const MAX_SELECTOR = 55;

function findDnsConflicts({ dns, smtp }: Settings): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  if (dns.provider === 'rfc2136' && dns.server === null) {
    const message = "provider 'rfc2136' requires server";
    conflicts.push({ options: ['dns.provider', 'dns.server'], message });
  }
  if (dns.dkimSelector.endsWith('-ed25519')) {
    const message = 'dkim_selector must not end in -ed25519, which names the Ed25519 keys';
    conflicts.push({ options: ['dns.dkim_selector'], message });
  }
  if (dns.dkimEd25519 && dns.dkimSelector.length > MAX_SELECTOR) {
    const message = `with dkim_ed25519, dkim_selector must have at most ${MAX_SELECTOR} characters`;
    conflicts.push({ options: ['dns.dkim_selector', 'dns.dkim_ed25519'], message });
  }
  if (dns.dkimGrace < smtp.queueLifetime) {
    const message =
      'dkim_grace must not be shorter than queue_lifetime: deferred mail still needs the old key';
    conflicts.push({ options: ['dns.dkim_grace', 'smtp.queue_lifetime'], message });
  }
  if ((dns.tsigName === null) !== (dns.tsigSecret === null)) {
    const message = 'tsig_name and tsig_secret must be set together';
    conflicts.push({ options: ['dns.tsig_name', 'dns.tsig_secret'], message });
  }
  return conflicts;
}

function findCertificateConflicts({ ssl }: Settings): readonly Conflict[] {
  if ((ssl.eabKid === null) !== (ssl.eabHmac === null)) {
    const message = 'eab_kid and eab_hmac must be set together';
    return [{ options: ['ssl.eab_kid', 'ssl.eab_hmac'], message }];
  }
  if (ssl.type !== 'manual') {
    return [];
  }
  const missing = [
    ...(ssl.certPath === null ? ['cert_path'] : []),
    ...(ssl.keyPath === null ? ['key_path'] : []),
  ];
  return missing.map((name) => ({
    options: ['ssl.type', `ssl.${name}`],
    message: `type 'manual' requires ${name}`,
  }));
}
