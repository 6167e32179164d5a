// mailctl wan-changed: follows a new IPv6 prefix and publishes the addresses after an interface event.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { followPrefix, movedAddress6 } from '../../appliance/apply/prefix.ts';
import {
  type AddressLook,
  fixedBy,
  lookAtAddresses,
  lookPatiently,
} from '../../appliance/dns/address-look.ts';
import { planAddresses, publishAddresses } from '../../appliance/dns/addresses.ts';
import type { Addresses } from '../../appliance/dns/moved.ts';
import { requireNoObstacle } from '../../appliance/dns/publish/change.ts';
import { followFirewall } from '../../appliance/firewall/firewall.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import { requireClock } from '../../host/clock.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { requireRootToLook } from '../root.ts';
import { parseWait } from '../wait-option.ts';

interface WanOptions {
  readonly interface?: string;
  readonly wait: string;
}

interface Outcome {
  readonly published: boolean;
  readonly text: string;
  readonly look: AddressLook | null;
}

interface Data {
  readonly published: boolean;
  readonly addresses: readonly string[] | null;
  readonly notes: readonly string[];
}

function dataOf({ published, look }: Outcome): Data {
  const addresses = look && [...look.wanted.ipv4, ...look.wanted.ipv6];
  return { published, addresses, notes: look?.notes ?? [] };
}

const waitOf = ({ wait }: WanOptions) => parseWait(wait, 'mailctl wan-changed --wait 120');

const listed = ({ ipv4, ipv6 }: Addresses) => [...ipv4, ...ipv6].join(', ');

function unchanged(look: AddressLook): Outcome {
  const now = listed(look.published);
  const text = now === '' ? 'nothing to do' : `nothing to change: ${now}`;
  return { published: false, text, look };
}

/** The records to publish; null when the address is already published. */
async function findMove(app: App, target: Appliance) {
  const fixed = fixedBy(target.settings);
  if (fixed !== null) return { look: null, text: `nothing to publish: ${fixed}`, plan: null };
  // another mailctl may have published it while this one waited for the lock
  const look = await lookAtAddresses(app.host, target);
  if (!look.changed) return { look, text: unchanged(look).text, plan: null };
  const plan = await planAddresses(app.host, target, look.wanted);
  requireNoObstacle({ obstacles: [...plan.obstacles, ...plan.byHand] }, 'mailctl dns-check');
  const text = `${target.settings.main.hostname} is ${listed(look.wanted)} now`;
  return { look, text, plan };
}

/** Gives the container and the LAN's names the new prefix first, so that only an address in use is published. */
async function follow(app: App, target: Appliance): Promise<void> {
  const address = await movedAddress6(app.host, target);
  if (address === null) return;
  await followPrefix(app.host, target);
  await followFirewall(app.host, target);
  app.output.note(`the container has the address ${address} now`);
}

async function publish(app: App, target: Appliance, options: WanOptions): Promise<Outcome> {
  await follow(app, target);
  const { look, text, plan } = await findMove(app, target);
  if (plan === null) return { published: false, text, look };
  await publishAddresses(app.host, target, { plan, timeout: waitOf(options) });
  return { published: true, text: `published: ${text}`, look };
}

/** Why there is nothing to do, found without the lock: most events change nothing. */
async function findIdle(app: App, options: WanOptions): Promise<Outcome | null> {
  const target = await app.appliance();
  const { wanInterface, wan6Interface } = target.settings.dns;
  const { interface: named } = options;
  const foreign = named !== undefined && named !== wanInterface && named !== wan6Interface;
  const idle = (reason: string) => ({
    published: false,
    text: `nothing to do: ${reason}`,
    look: null,
  });
  if (foreign) {
    return idle(
      `${named} is not mailserver.dns.wan_interface (${wanInterface}), nor wan6_interface (${wan6Interface})`,
    );
  }
  if ((await movedAddress6(app.host, target)) !== null) return null;
  const fixed = fixedBy(target.settings);
  if (fixed !== null) return idle(fixed);
  const look = await lookPatiently(app.host, target);
  return look.changed ? null : unchanged(look);
}

export async function run(app: App, options: WanOptions): Promise<ExitStatus> {
  requireRootToLook(app);
  waitOf(options);
  const { output } = app;
  const idle = await findIdle(app, options);
  if (idle !== null) {
    const data = dataOf(idle);
    for (const note of data.notes) output.note(note);
    output.unchanged(idle.text, data);
    return STATUS.OK;
  }
  requireClock(app.host.clock);
  return app.change({
    word: 'wan-changed',
    plan: async (target) => {
      const address = await movedAddress6(app.host, target);
      const { look, text, plan } = await findMove(app, target);
      const data = dataOf({ published: false, text, look });
      const notes = look?.notes ?? [];
      const details = plan === null ? [text, ...notes] : notes;
      const would = [
        ...(address === null ? [] : [`give the container the address ${address}`]),
        ...(plan === null ? [] : [`publish: ${text}`]),
      ];
      return { would, details, data };
    },
    apply: (target) => publish(app, target, options),
    report: (outcome) => {
      const data = dataOf(outcome);
      for (const note of data.notes) output.note(note);
      output.result(outcome.text, data);
      return STATUS.OK;
    },
  });
}

export function registerWanChanged(command: Command, line: CommandLine): void {
  command
    .option('--interface <name>', 'the interface of the event')
    .option('--wait <seconds>', 'time limit until all servers show it', '120');
  defineWord(command, line, {
    kind: 'changes',
    run,
    ends: [
      'PROBE_FAILED',
      'USAGE',
      'DNS_BY_HAND',
      'PROGRAM_MISSING',
      'DNS_DENIED',
      'DNS_REFUSED',
      'DNS_NOT_VISIBLE',
      'CLOCK_UNSET',
    ],
    examples: ['mailctl wan-changed', 'mailctl wan-changed --interface wan --quiet'],
  });
}
