// When, from where and by which protocol each password of a mailbox opened it last. Dovecot writes it inside the
// container, so it is information, and never decides anything.

import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import type { Mailbox } from './model.ts';

export interface LastUse {
  readonly at: Date;
  /** IP address; null when Dovecot did not know it. */
  readonly from: string | null;
  /** Such as imap, pop3, sieve, smtp. */
  readonly protocol: string;
}

const LINE = /^(\d{1,11}) ([0-9a-fA-F.:]{2,45}|nil) ([a-z]{1,20})\n$/;
const MAX_BYTES = 100;

export interface LastUses {
  /** Of the password of the mailbox. */
  readonly main: LastUse | null;
  /** By the id of an app password. */
  readonly apps: ReadonlyMap<string, LastUse | null>;
}

async function readUse(host: Host, { paths }: Appliance, name: string): Promise<LastUse | null> {
  const text = await host.untrusted.read(paths.state, ['last-use', name], MAX_BYTES);
  const [, seconds = '', from = '', protocol = ''] = LINE.exec(text ?? '') ?? [];
  if (protocol === '') return null;
  return { at: new Date(Number(seconds) * 1000), from: from === 'nil' ? null : from, protocol };
}

export async function readLastUses(
  host: Host,
  target: Appliance,
  { address, appPasswords }: Mailbox,
): Promise<LastUses> {
  const apps = new Map<string, LastUse | null>();
  for (const { id } of appPasswords) apps.set(id, await readUse(host, target, id));
  return { main: await readUse(host, target, address), apps };
}
