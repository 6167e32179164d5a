// The options that describe a peer, of add-peer and of restore.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { PeerDetails } from '../../appliance/backup/peers.ts';
import { size } from '../../appliance/settings/kinds.ts';
import { MailctlError } from '../../errors.ts';
import { parsePeerAddress } from '../../mesh/peers/addresses.ts';

export interface PeerOptions {
  readonly address?: readonly string[];
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: string;
  readonly quota?: string;
  readonly rate?: string;
}

const collect = (value: string, all: readonly string[] = []) => [...all, value];

export function addPeerOptions(command: Command): Command {
  return command
    .option('--address <host:port>', 'where a box is reached; may be repeated', collect)
    .option('--endpoint <url>', 'of a bucket that is not at AWS')
    .option('--region <name>', 'of a bucket')
    .option('--credentials <file>', 'file of mode 600 with the keys of a bucket');
}

function sizeOption(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const { parse, expected } = size('1K', '1024T');
  const value = parse(text);
  if (value !== undefined) return value;
  throw new MailctlError('USAGE', `--${name} ${text} is not ${expected}`, {
    hint: 'mailctl mesh add-peer --help',
  });
}

/** What the options say, on top of what was known. Throws USAGE. */
export function detailsOf(
  options: PeerOptions,
  before: PeerDetails | undefined,
  { now, port }: { now: Date; port: number },
): PeerDetails {
  const { address, endpoint, region, credentials, quota, rate } = options;
  for (const one of address ?? []) parsePeerAddress(one, port);
  return {
    addresses: address ?? before?.addresses ?? [],
    endpoint: endpoint ?? before?.endpoint ?? null,
    region: region ?? before?.region ?? null,
    credentials: credentials === undefined ? (before?.credentials ?? null) : resolve(credentials),
    rateBytes: sizeOption('rate', rate) ?? before?.rateBytes ?? null,
    quotaBytes: sizeOption('quota', quota) ?? before?.quotaBytes ?? null,
    added: before?.added ?? now.toISOString(),
  };
}
