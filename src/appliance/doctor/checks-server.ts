// Checks of the running server: container, daemons, ports, a login and a message, the queue, open relay.

import { findAuthorities, readResolvers } from '../../host/dns.ts';
import { bareAddress } from '../../host/ip.ts';
import { queryInside, runInside } from '../../host/lxc.ts';
import { presentable } from '../../host/programs.ts';
import { converge, requireInstalled } from '../apply/converge.ts';
import { readGeneration } from '../apply/generation.ts';
import { containerRef } from '../container/container.ts';
import { restartDaemon } from '../container/daemons.ts';
import { currentImage } from '../container/image.ts';
import { BANNED, parseJails } from '../mail/fail2ban.ts';
import { listQueue } from '../mail/queue.ts';
import { probeAppliance } from '../probe/probe.ts';
import type { Daemon } from '../render/managed-file.ts';
import { queryDaemons } from '../status/daemons.ts';
import { queryPorts } from '../status/ports.ts';
import { loginCheck } from './check-login.ts';
import type { Check } from './context.ts';
import { tryRelay } from './relay-trial.ts';

const HOUR_MS = 3_600_000;

const container: Check = {
  id: 'container.running',
  about: 'the container runs',
  measured: 'lxc-info',
  run: async ({ host, target, pid }, report) => {
    if (pid !== null) return report('ok', `the container ${target.settings.main.container} runs`);
    if ((await currentImage(host, target.paths)) === null) {
      return report('error', 'the mail server is not installed', { fix: 'mailctl install' });
    }
    return report('error', 'the container does not run: no mail is received', {
      fix: 'mailctl start',
    });
  },
  applyFix: async ({ host, target }) => {
    const image = await requireInstalled(host, target);
    await converge(host, target, { image, start: true });
    return 'started the container';
  },
};

const daemons: Check = {
  id: 'daemons.up',
  about: 'every daemon runs without repeated restarts',
  needsContainer: true,
  measured: 's6-svstat and s6-svdt in the container',
  run: async ({ host, target }, report) => {
    const all = await queryDaemons(host, containerRef(target));
    const sick = all.filter(({ state }) => state !== 'up');
    if (sick.length === 0) return report('ok', `${all.map(({ name }) => name).join(', ')} are up`);
    return sick.map(({ name, state, deaths }) => {
      const text =
        state === 'down' ? `${name} is down` : `${name} ended ${deaths} times in the last minute`;
      const fix = state === 'down' ? 'mailctl doctor --fix' : `mailctl logs 50 --daemon ${name}`;
      return report('error', text, { fix });
    });
  },
  applyFix: async ({ host, target }) => {
    const down = (await queryDaemons(host, containerRef(target))).filter(
      ({ state }) => state === 'down',
    );
    for (const { name } of down) {
      // a restart does not start a daemon that was stopped by hand
      await runInside(host, containerRef(target), ['s6-svc', '-u', `/run/service/${name}`]);
      if (name !== 'log') await restartDaemon(host, target, name as Daemon);
    }
    return `started ${down.map(({ name }) => name).join(', ')}`;
  },
};

const ports: Check = {
  id: 'ports.listening',
  about: 'every enabled port is listening',
  needsContainer: true,
  measured: "the kernel's list of listening sockets in the container",
  run: async ({ host, target: { settings }, pid }, report) => {
    const silent = (await queryPorts(host, settings, pid)).filter(({ listening }) => !listening);
    if (silent.length === 0) return report('ok', 'every enabled port is listening');
    const names = silent.map(({ name, port }) => `${port} (${name})`);
    return report('error', `not listening: port ${names.join(', port ')}`, {
      fix: 'mailctl restart',
    });
  },
};

const service: Check = {
  id: 'service.probe',
  about: 'a login works, and a message is delivered',
  needsContainer: true,
  measured: 'a connection to every port, a login, and a message from the probe account to itself',
  run: async ({ host, target }, report) => {
    const generation = await readGeneration(host, target.paths, 'current');
    if (generation === null)
      return report('unknown', 'inconclusive: the mail server is not installed');
    const results = await probeAppliance(host, target, generation.host.network);
    const failed = results.filter(({ ok }) => !ok);
    if (failed.length === 0)
      return report('ok', 'every port answers correctly, a login works, and mail is delivered');
    return failed.map(({ name, measured }) =>
      report('error', `${name}: ${measured}`, { fix: 'mailctl logs 50' }),
    );
  },
};

const queue: Check = {
  id: 'queue.age',
  about: 'no message waits in the queue for long',
  needsContainer: true,
  measured: 'postqueue -j in the container',
  run: async ({ host, target }, report) => {
    const messages = await listQueue(host, target);
    const waiting = messages.filter((one) => one.queue !== 'hold');
    const [oldest] = waiting;
    if (oldest === undefined) return report('ok', 'the queue is empty');
    const age = host.clock.now().getTime() - oldest.arrived.getTime();
    const hours = Math.floor(age / HOUR_MS);
    const why = oldest.recipients.find(({ reason }) => reason !== null)?.reason;
    const text = `${waiting.length} messages wait, the oldest for ${hours} hours${why ? `: ${why}` : ''}`;
    const limit = (target.settings.smtp.delayWarning ?? 4 * 3600) * 1000;
    if (age < limit) return report('ok', text);
    return report(age < 24 * HOUR_MS ? 'warning' : 'error', text, { fix: 'mailctl queue list' });
  },
};

const relay: Check = {
  id: 'smtp.open-relay',
  about: 'this server is no open relay',
  needsContainer: true,
  measured:
    'SMTP sessions on port 25 from outside the container, up to RCPT, in seven classic forms',
  run: async (context, report) => {
    const { host, target } = context;
    if (target.settings.ports.smtp === null) return report('ok', 'port 25 is disabled');
    const generation = await readGeneration(host, target.paths, 'current');
    if (generation === null)
      return report('unknown', 'inconclusive: the mail server is not installed');
    const trial = await tryRelay(context, bareAddress(generation.host.network.address));
    if (trial.taken.length > 0) {
      const message = `open relay: the server accepted foreign recipients (${trial.taken.join('; ')}); blocklists will list it`;
      return report('error', message, {
        fix: `correct mynetworks and the restrictions in ${target.paths.custom}/postfix-main.cf, then: mailctl apply`,
      });
    }
    if (trial.open.length === 0) return report('ok', 'every foreign recipient was refused');
    const message = `inconclusive: the server deferred the recipient: ${presentable(trial.open[0] ?? '')}`;
    return report('unknown', message, { fix: 'mailctl logs 50 --daemon postfix' });
  },
};

// The image has no lookup program; Python is installed for fail2ban
const LOOK_UP = 'import socket, sys; socket.getaddrinfo(sys.argv[1], 25)';

const resolver: Check = {
  id: 'resolver.container',
  about: "the container's resolver answers and validates DNSSEC",
  needsContainer: true,
  measured: 'a lookup of a name server of the mail domain, inside the container',
  run: async ({ host, target }, report) => {
    const { domain } = target.settings.main;
    const resolvers = await readResolvers(host, target.settings.dns.resolver);
    const { servers } = await findAuthorities(resolvers, domain);
    const name = servers.find(({ addresses }) => addresses.length > 0)?.name;
    if (name === undefined) {
      return report('unknown', `inconclusive: ${domain} has no name server with an address`);
    }
    const command = ['python3', '-c', LOOK_UP, name];
    const asked = await queryInside(host, containerRef(target), command, {
      accept: [1],
      timeout: 20_000,
    });
    if (asked.status === 0) return report('ok', `found the address of ${name}`);
    const message = `no address for ${name}: outbound mail is deferred, and checks of incoming mail that need DNS fail`;
    return report('error', message, {
      fix: 'mailctl logs 50 --daemon unbound   (likely a wrong clock or a blocked port 53: see network.dns_forward)',
    });
  },
};

const bans: Check = {
  id: 'fail2ban.answers',
  about: 'fail2ban answers and has its jails',
  needsContainer: true,
  measured: 'fail2ban-client banned, in the container',
  run: async ({ host, target }, report) => {
    if (!target.settings.features.fail2ban) return report('ok', 'features.fail2ban is 0');
    const asked = await queryInside(host, containerRef(target), BANNED, {
      ...{ accept: [255], timeout: 20_000 },
    });
    const jails = parseJails(asked.stdout);
    if (asked.status === 0 && jails.size > 0) {
      return report('ok', `${[...jails.values()].flat().length} addresses are banned now`);
    }
    return report('error', 'fail2ban does not answer, or has no jail', {
      fix: 'mailctl logs 50 --daemon fail2ban',
    });
  },
};

export const SERVER_CHECKS: readonly Check[] = [
  container,
  daemons,
  ports,
  loginCheck,
  service,
  queue,
  relay,
  resolver,
  bans,
];
