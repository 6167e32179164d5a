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
    return report('error', 'the container does not run: no mail is taken', {
      fix: 'mailctl start',
    });
  },
  mend: async ({ host, target }) => {
    const image = await requireInstalled(host, target.paths);
    await converge(host, target, { image, start: true });
    return 'started the container';
  },
};

const daemons: Check = {
  id: 'daemons.up',
  about: 'every daemon runs, and none keeps dying',
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
  mend: async ({ host, target }) => {
    const down = (await queryDaemons(host, containerRef(target))).filter(
      ({ state }) => state === 'down',
    );
    for (const { name } of down) {
      // one that was taken down by hand stays down in a restart
      await runInside(host, containerRef(target), ['s6-svc', '-u', `/run/service/${name}`]);
      if (name !== 'log') await restartDaemon(host, target, name as Daemon);
    }
    return `started ${down.map(({ name }) => name).join(', ')}`;
  },
};

const ports: Check = {
  id: 'ports.listening',
  about: 'somebody listens on every port that is switched on',
  needsContainer: true,
  measured: "the kernel's list of the container's listeners",
  run: async ({ host, target: { settings }, pid }, report) => {
    const silent = (await queryPorts(host, settings, pid)).filter(({ listening }) => !listening);
    if (silent.length === 0) return report('ok', 'every port has its listener');
    const names = silent.map(({ name, port }) => `${port} (${name})`);
    return report('error', `nobody listens on port ${names.join(', ')}`, {
      fix: 'mailctl restart',
    });
  },
};

const service: Check = {
  id: 'service.probe',
  about: 'a login works, and a message arrives',
  needsContainer: true,
  measured: 'a connection to every port, a login, and a message from the probe account to itself',
  run: async ({ host, target }, report) => {
    const generation = await readGeneration(host, target.paths, 'current');
    if (generation === null)
      return report('unknown', 'could not tell, because nothing is installed');
    const results = await probeAppliance(host, target, generation.host.network);
    const failed = results.filter(({ ok }) => !ok);
    if (failed.length === 0) return report('ok', 'every port answers as it should, and mail flows');
    return failed.map(({ name, measured }) =>
      report('error', `${name}: ${measured}`, { fix: 'mailctl logs 50' }),
    );
  },
};

const queue: Check = {
  id: 'queue.age',
  about: 'mail does not wait for long',
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
  about: 'strangers cannot send through this server',
  needsContainer: true,
  measured:
    'SMTP sessions on port 25 from outside of the container, up to RCPT, in seven classic forms',
  run: async (context, report) => {
    const { host, target } = context;
    if (target.settings.ports.smtp === null) return report('ok', 'port 25 is switched off');
    const generation = await readGeneration(host, target.paths, 'current');
    if (generation === null)
      return report('unknown', 'could not tell, because nothing is installed');
    const trial = await tryRelay(context, bareAddress(generation.host.network.address));
    if (trial.taken.length > 0) {
      const message = `ANYBODY CAN SEND THROUGH THIS SERVER (${trial.taken.join('; ')}): it will be on every blocklist soon`;
      return report('error', message, {
        fix: `look into ${target.paths.custom}/postfix-main.cf for mynetworks and restrictions, then: mailctl apply`,
      });
    }
    if (trial.open.length === 0) return report('ok', 'no form of foreign address was taken');
    const message = `could not tell, because it puts off: ${presentable(trial.open[0] ?? '')}`;
    return report('unknown', message, { fix: 'mailctl logs 50 --daemon postfix' });
  },
};

// The image has no program that only asks; fail2ban brings Python
const LOOK_UP = 'import socket, sys; socket.getaddrinfo(sys.argv[1], 25)';

const resolver: Check = {
  id: 'resolver.container',
  about: "the container's own resolver finds names, and can check their signatures",
  needsContainer: true,
  measured: 'the address of a name server of the mail domain, asked for inside the container',
  run: async ({ host, target }, report) => {
    const { domain } = target.settings.main;
    const resolvers = await readResolvers(host, target.settings.dns.resolver);
    const { servers } = await findAuthorities(resolvers, domain);
    const name = servers.find(({ addresses }) => addresses.length > 0)?.name;
    if (name === undefined) {
      return report(
        'unknown',
        `could not tell, because ${domain} has no name server with an address`,
      );
    }
    const command = ['python3', '-c', LOOK_UP, name];
    const asked = await queryInside(host, containerRef(target), command, {
      accept: [1],
      timeout: 20_000,
    });
    if (asked.status === 0) return report('ok', `it finds ${name}`);
    const message = `it does not find ${name}: mail to others waits, and nothing that arrives is checked`;
    return report('error', message, {
      fix: 'mailctl logs 50 --daemon unbound   (a wrong clock, or a firewall on port 53? network.dns_forward names a server to ask)',
    });
  },
};

const bans: Check = {
  id: 'fail2ban.answers',
  about: 'whoever guesses passwords is shut out',
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
    return report('error', 'fail2ban runs, but does not answer or watches nothing', {
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
