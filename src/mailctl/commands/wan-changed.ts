// mailctl wan-changed: an interface event; the published addresses follow those of the WAN interface.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import type { AddressLook } from '../../appliance/dns/address-look.ts';
import type { Addresses } from '../../appliance/dns/moved.ts';
import { requireNoObstacle } from '../../appliance/dns/publish/change.ts';
import { MailctlError } from '../../errors.ts';
import { isPlausible } from '../../host/clock.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';
import { requireRootToLook } from '../root.ts';

interface WanOptions {
  readonly interface?: string;
  readonly wait: string;
}

interface Outcome {
  readonly published: boolean;
  readonly text: string;
  readonly look: AddressLook | null;
}

function waitOf({ wait }: WanOptions): number {
  if (/^\d{1,5}$/.test(wait)) return Number(wait) * 1000;
  throw new MailctlError('USAGE', `--wait takes whole seconds, not ${JSON.stringify(wait)}`, {
    hint: 'mailctl wan-changed --wait 120',
  });
}

const listed = ({ ipv4, ipv6 }: Addresses) => [...ipv4, ...ipv6].join(', ');

function unchanged(look: AddressLook): Outcome {
  const now = listed(look.published);
  const text = now === '' ? 'nothing to do' : `nothing to change: ${now}`;
  return { published: false, text, look };
}

async function publish(app: App, target: Appliance, options: WanOptions): Promise<Outcome> {
  const { lookAtAddresses } = await import('../../appliance/dns/address-look.ts');
  const { planAddresses, publishAddresses } = await import('../../appliance/dns/addresses.ts');
  // another one may have done it while this one waited for the lock
  const look = await lookAtAddresses(app.host, target);
  if (!look.changed) return unchanged(look);
  const plan = await planAddresses(app.host, target, look.wanted);
  requireNoObstacle({ obstacles: [...plan.obstacles, ...plan.byHand] }, 'mailctl dns-check');
  const text = `${target.settings.main.hostname} is ${listed(look.wanted)} now`;
  if (app.options.dryRun) return { published: false, text: `would publish: ${text}`, look };
  await publishAddresses(app.host, target, { plan, timeout: waitOf(options) });
  return { published: true, text: `published: ${text}`, look };
}

async function follow(app: App, options: WanOptions): Promise<Outcome> {
  const target = await app.appliance();
  const { fixedBy, lookPatiently } = await import('../../appliance/dns/address-look.ts');
  const { wanInterface, wan6Interface } = target.settings.dns;
  const { interface: named } = options;
  const foreign = named !== undefined && named !== wanInterface && named !== wan6Interface;
  const reason = foreign
    ? `${named} is not mailserver.dns.wan_interface (${wanInterface}), nor wan6_interface (${wan6Interface})`
    : fixedBy(target.settings);
  if (reason !== null) return { published: false, text: `nothing to do: ${reason}`, look: null };
  const look = await lookPatiently(app.host, target);
  // most events change nothing: they end here, without the lock
  if (!look.changed) return unchanged(look);
  requireClock(app);
  return app.changing('wan-changed', () => publish(app, target, options));
}

function requireClock({ host }: App): void {
  if (isPlausible(host.clock.now())) return;
  throw new MailctlError('CLOCK_UNSET', 'nothing is published before the clock is set', {
    hint: 'date   (mailctl serve does it as soon as the clock is right)',
  });
}

export function registerWanChanged(program: Command, app: AppSource): void {
  const command = program
    .command('wan-changed')
    .description('publish the address of the WAN interface if it is another one now')
    .option('--interface <name>', 'the interface that the event is about')
    .option('--wait <seconds>', 'how long to wait until all servers show it', '120')
    .action(async (options: WanOptions) => {
      requireRootToLook();
      waitOf(options);
      const { output } = app();
      const { published, text, look } = await follow(app(), options);
      const notes = look?.notes ?? [];
      const addresses = look && [...look.wanted.ipv4, ...look.wanted.ipv6];
      for (const note of notes) output.note(note);
      output.result(text, { published, addresses, notes });
    });
  describeWord(command, {
    examples: ['mailctl wan-changed', 'mailctl wan-changed --interface wan --quiet'],
    statuses: [
      '1   something must be done by hand; it is printed',
      '69  dnsctl or nsupdate is missing',
      '75  not visible at every server yet, or another mailctl is at work: it is tried again',
      '77  not root',
      '78  the UCI file is wrong',
    ],
  });
}
