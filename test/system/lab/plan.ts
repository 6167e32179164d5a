// The addresses and names of the test network. Nothing here is routed outside the namespaces: RFC 5737, RFC 3849, RFC 2606.

/** Name prefix of every namespace, container and folder of a lab, so that two labs can run at once. */
export const PREFIX = process.env.MAILSERVER_LAB ?? 'mslab-';

/** Sockets, pid files and zones; removed by `labDown`. */
export const RUN_DIRECTORY = `/run/${PREFIX}net`;

/** Data folders and containers of the appliances; removed by `labDown`. */
export const WORK_DIRECTORY = `/var/tmp/${PREFIX}work`;

export const NETWORK = {
  router: { wan: '192.0.2.1', wan6: '2001:db8::1', lan: '192.168.77.1', lan6: 'fd77::1' },
  /** the provider's end of the router's link; the outside world */
  wan: { address: '192.0.2.254', address6: '2001:db8::fe' },
  lan: { address: '192.168.77.10', address6: 'fd77::10', subnet: '192.168.77.0/24' },
  /** networks of the outside world; every address can be used as source */
  strangers: ['198.51.100.0/24', '203.0.113.0/24'],
  strangers6: '2001:db8:1::/64',
  dns: '198.51.100.53',
  mx: '203.0.113.25',
  /** an ordinary outside client with matching forward and reverse names */
  stranger: '198.51.100.10',
  stranger6: '2001:db8:1::10',
} as const;

export const DOMAINS = { ours: 'example.test', outside: 'outside.test' } as const;

export type HostName = 'router' | 'wan' | 'lan';

export const namespaceOf = (host: HostName): string => `${PREFIX}${host}`;
