// A scheduler in a world of its own: a temporary root, a clock that a test drives, and a stand-in for mailctl
// that notes what it is called with.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Appliance } from '../../../src/appliance/appliance.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { type Bell, createBell } from '../../../src/appliance/schedule/bell.ts';
import { type Serving, serve } from '../../../src/appliance/schedule/serve.ts';
import { readSettings } from '../../../src/appliance/settings/uci-file.ts';
import { supervise } from '../../../src/appliance/supervise/supervise.ts';
import { createHost, type Host } from '../../../src/host/host.ts';

export const START = new Date('2026-11-21T12:00:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
const CONFIG = '/etc/config/mailserver';
const DATA = '/srv/mailserver';

type WorldEvent = readonly [milliseconds: number, happen: (bell: Bell) => void];

export interface World {
  readonly host: Host;
  /** What the scheduler has said. */
  readonly said: string[];
  /** How long it slept, each time. */
  readonly sleeps: number[];
  /** Time as the router sees it. */
  now: Date;
  write(path: string, text: string, mode?: number): void;
  read(path: string): string | null;
  /** The state that makes the addresses due, or not. */
  publish(address: string): void;
  /** The WAN interface has these addresses from now on. */
  wan(ipv4: string, ipv6?: string): void;
  uci(lines?: string, enabled?: string): void;
  /** The UCI file, read and checked. */
  target(): Promise<Appliance>;
  /** The stand-in's shell commands after it has noted the call. */
  program(script: string): void;
  calls(): string[];
  /** Serves for that much of the router's time; `events` happen at the first sleep after their moment. */
  serveFor(milliseconds: number, events?: readonly WorldEvent[]): Promise<void>;
  /** The same for the part of serve that owns the container. */
  superviseFor(milliseconds: number, events?: readonly WorldEvent[]): Promise<void>;
  remove(): void;
}

export function createWorld(): World {
  const root = mkdtempSync(join(tmpdir(), 'mailctl-serve-'));
  const write = (path: string, text: string, mode = 0o644) => {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
    chmodSync(full, mode);
  };
  const read = (path: string) => {
    try {
      return readFileSync(join(root, path), 'utf8');
    } catch {
      return null;
    }
  };
  const env = { ...process.env, PATH: `${root}/bin:${process.env.PATH}` };
  const real = createHost({ root, env, say: () => undefined });
  const world: World = {
    ...{ said: [], sleeps: [], now: START, write, read },
    host: {
      ...real,
      clock: {
        now: () => new Date(world.now),
        sleep: async (milliseconds) => {
          world.sleeps.push(milliseconds);
          world.now = new Date(world.now.getTime() + milliseconds);
        },
      },
    },
    publish: (address) => {
      const values = [{ name: 'mail.example.com', type: 'A', value: address, made: true }];
      write(`${DATA}/dns/state.json`, JSON.stringify({ v: 1, values, last: null }));
    },
    wan: (ipv4, ipv6) => {
      const list = (address?: string) => (address === undefined ? [] : [{ address }]);
      const addresses = { 'ipv4-address': list(ipv4), 'ipv6-address': list(ipv6) };
      const answer = JSON.stringify({ up: true, ...addresses });
      write('/bin/ubus', `#!/bin/sh\necho '${answer}'\n`, 0o755);
    },
    uci: (lines = '', enabled = '1') => {
      const main = `config mailserver 'main'\n\toption enabled '${enabled}'\n`;
      write(
        CONFIG,
        `${main}\toption container 'box'\n\toption lxc_path '/srv/lxc'\nconfig report 'report'\n\toption enabled '0'\n${lines}`,
      );
    },
    target: async () => {
      const settings = await readSettings(real, CONFIG);
      return { settings, paths: appliancePaths(settings, { uciFile: CONFIG }) };
    },
    program: (script) =>
      write('/bin/job', `#!/bin/sh\necho "$*" >>${root}/calls\n${script}\n`, 0o755),
    calls: () => (read('/calls') ?? '').split('\n').filter((line) => line !== ''),
    serveFor: (milliseconds, events = []) =>
      runFor(world, root, { milliseconds, events, work: serve }),
    superviseFor: (milliseconds, events = []) =>
      runFor(world, root, {
        ...{ milliseconds, events },
        work: (host, serving) => supervise(host, serving, () => undefined),
      }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  world.uci();
  world.program('exit 0');
  world.publish('192.0.2.1');
  world.wan('192.0.2.1');
  write('/srv/lxc/box/config', '');
  mkdirSync(join(root, 'var/run/mailserver'), { recursive: true });
  return world;
}

interface Plan {
  readonly milliseconds: number;
  readonly events: readonly WorldEvent[];
  readonly work: (host: Host, serving: Serving) => Promise<void>;
}

async function runFor(world: World, root: string, plan: Plan): Promise<void> {
  const { host, said } = world;
  const end = new AbortController();
  const bell = createBell();
  const open = [...plan.events];
  let passed = 0;
  const sleep: Host['clock']['sleep'] = async (milliseconds) => {
    await host.clock.sleep(milliseconds);
    passed += milliseconds;
    while (open[0] !== undefined && open[0][0] <= passed) open.shift()?.[1](bell);
    if (passed >= plan.milliseconds) end.abort();
  };
  const readTarget = world.target;
  const target = await readTarget();
  await plan.work(
    { ...host, clock: { ...host.clock, sleep } },
    {
      ...{ readTarget, target, end: end.signal, bell },
      program: [join(root, 'bin/job')],
      random: () => 0,
      log: (text) => said.push(text),
    },
  );
}
