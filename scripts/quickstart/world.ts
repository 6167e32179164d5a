// The outside world of the quickstart: a namespace on the container's bridge, with a name server for example.test and
// outside.test, and a mail server that accepts everything.

import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from '../../test/system/lab/certificate.ts';
import { type LabDns, startDns } from '../../test/system/lab/dns.ts';
import { must, run, startInBackground, waitFor } from '../../test/system/lab/programs.ts';
import { topZones, type Zone } from '../../test/system/lab/zones.ts';
import { ADDRESS, BRIDGE, FOLDER, OUTSIDE_ADDRESS } from './places.ts';

const NAMESPACE = 'mailserver-outside';
const DIRECTORY = `${FOLDER}/outside`;
const MESSAGES = `${DIRECTORY}/messages`;
const MX_PROGRAM = fileURLToPath(new URL('../../test/system/lab/mx.mjs', import.meta.url));

export interface World {
  dns: LabDns;
  /** Whole messages that have arrived outside, oldest first. */
  messages(): Promise<string[]>;
}

/** Replaces a running world; keeps its DNSSEC keys, which the resolver has stored as trust anchor. */
export async function startWorld(): Promise<World> {
  await endWorld();
  await mkdir(DIRECTORY, { recursive: true });
  await rm(MESSAGES, { force: true });
  await must(['ip', 'netns', 'add', NAMESPACE]);
  await must(ip('link', 'set', 'lo', 'up'));
  // On lo, so that the servers can listen before the bridge exists
  await must(ip('addr', 'add', `${OUTSIDE_ADDRESS}/32`, 'dev', 'lo'));
  const place = { command: onOutside, directory: `${DIRECTORY}/dns`, address: OUTSIDE_ADDRESS };
  const dns = await startDns(place, zones());
  await startMailServer();
  return { dns, messages: readMessages };
}

/**
 * Connects the outside world to the bridge as soon as `mailctl install`, which runs in parallel, has created it: a
 * resolver that starts without its root servers treats them as down for a while.
 */
export async function connectWorld(): Promise<void> {
  const bridge = `/sys/class/net/${BRIDGE}`;
  await waitFor('the bridge', () => (existsSync(bridge) ? true : undefined), 120_000);
  const peer = ['peer', 'name', 'eth0', 'netns', NAMESPACE];
  await must(['ip', 'link', 'add', 'mailquick-out', 'type', 'veth', ...peer]);
  await must(['ip', 'link', 'set', 'mailquick-out', 'master', BRIDGE, 'up']);
  await must(ip('addr', 'add', `${OUTSIDE_ADDRESS}/24`, 'dev', 'eth0'));
  await must(ip('link', 'set', 'eth0', 'up'));
}

export async function endWorld(): Promise<void> {
  const { status, stdout } = await run(['ip', 'netns', 'pids', NAMESPACE]);
  if (status !== 0) return;
  const pids = stdout.split('\n').filter(Boolean);
  if (pids.length > 0) await run(['kill', '-9', ...pids]);
  await must(['ip', 'netns', 'del', NAMESPACE]);
}

const ip = (...words: string[]): string[] => ['ip', '-n', NAMESPACE, ...words];

/** The argument vector that runs a program in the outside world. */
export const onOutside = (argv: string[]): string[] => [
  'nsenter',
  `--net=/run/netns/${NAMESPACE}`,
  '--',
  ...argv,
];

async function startMailServer(): Promise<void> {
  const { certificate, key } = await makeCertificate(DIRECTORY, ['mx.outside.test']);
  const mx = ['node', MX_PROGRAM, OUTSIDE_ADDRESS, '25', certificate, key];
  startInBackground(onOutside(mx), MESSAGES);
  await waitFor('the outside mail server', async () =>
    (await readFile(MESSAGES, 'utf8')).includes('"ready"') ? true : undefined,
  );
}

async function readMessages(): Promise<string[]> {
  const lines = (await readFile(MESSAGES, 'utf8')).split('\n');
  return lines
    .filter((line) => line.includes('"message"'))
    .map((line) => JSON.parse(line) as { raw: string })
    .map(({ raw }) => Buffer.from(raw, 'base64').toString('latin1'));
}

const zones = (): Zone[] => [
  ...topZones(OUTSIDE_ADDRESS),
  {
    name: 'example.test.',
    parent: 'test.',
    records: ['@ MX 10 mail', `mail A ${ADDRESS}`, '@ TXT "v=spf1 mx -all"'],
  },
  {
    name: 'outside.test.',
    parent: 'test.',
    records: ['@ MX 10 mx', `mx A ${OUTSIDE_ADDRESS}`],
  },
];
