// The effect of dnsctl's add, update and rm differs by provider. A change that they cannot express, or that would
// touch foreign records, has a reason instead of steps. Pure.

import type { ApiProvider } from '../../../host/dns-api/api.ts';
import { dnsctlProblem } from '../../../host/dnsctl.ts';
import type { SetChange } from './change.ts';

/** The provider behind dnsctl; `unknown` combines the limits of all. */
export type Manners = ApiProvider | 'unknown';

export interface Step {
  readonly verb: 'add' | 'update' | 'rm';
  /** Absent for rm. */
  readonly value?: string;
}

export type Steps =
  | { readonly steps: readonly Step[] }
  | { readonly steps: null; readonly reason: string };

const cannot = (reason: string): Steps => ({ steps: null, reason });

const adding = (values: readonly string[]): Step[] =>
  values.map((value) => ({ verb: 'add', value }));

/** Cloudflare's API needs fields for these types that dnsctl does not send. */
const CLOUDFLARE_FIELDS = ['MX', 'SRV', 'TLSA', 'CAA'];

/** @param zone the zone of the change */
export function stepsFor(manners: Manners, change: SetChange, zone: string): Steps {
  const unsendable = change.add.map(dnsctlProblem).find((problem) => problem !== null);
  if (unsendable !== undefined) return cannot(unsendable);
  const others = change.before.filter((value) => !change.remove.includes(value));
  if (manners === 'gandi') return stepsForGandi(change, others);
  if (manners === 'unknown') return stepsForUnknown(change);
  if (
    manners === 'cloudflare' &&
    change.add.length > 0 &&
    CLOUDFLARE_FIELDS.includes(change.type)
  ) {
    return cannot(`at cloudflare, dnsctl cannot publish ${change.type} records`);
  }
  if (change.remove.length === 0) return { steps: adding(change.add) };
  const obstacle = manners === 'ovh' ? ovhObstacle(change, others, zone) : null;
  if (obstacle !== null) return cannot(obstacle);
  if (manners === 'cloudflare' && others.length > 0) {
    return cannot(
      'at cloudflare, dnsctl rm deletes the first record that it finds, perhaps a foreign one',
    );
  }
  const [only, ...more] = change.add;
  if (change.before.length === 1 && only !== undefined && more.length === 0) {
    return { steps: [{ verb: 'update', value: only }] };
  }
  const times = manners === 'ovh' ? 1 : change.before.length;
  const removing = Array.from({ length: times }, (): Step => ({ verb: 'rm' }));
  return { steps: [...removing, ...adding(change.add)] };
}

function ovhObstacle(change: SetChange, others: readonly string[], zone: string): string | null {
  if (change.name === zone) return 'at ovh, dnsctl does not find records at the apex of a zone';
  if (others.length > 0) {
    return 'at ovh, dnsctl rm deletes every record of this type and name, including foreign ones';
  }
  // OVH's web page stores SPF records as type SPF, which dnsctl does not find: both would stay
  if (
    change.type === 'TXT' &&
    change.add.length > 0 &&
    change.remove.some((value) => /^v=spf1(?: |$)/i.test(value))
  ) {
    return 'at ovh, dnsctl may not find the SPF record to replace';
  }
  return null;
}

function stepsForGandi(change: SetChange, others: readonly string[]): Steps {
  const after = [...others, ...change.add];
  const [only] = change.add;
  if (others.length > 0 || after.length > 1) {
    return cannot('at gandi, dnsctl can only replace the whole record set by a single value');
  }
  if (only === undefined) return { steps: [{ verb: 'rm' }] };
  return { steps: [{ verb: change.before.length === 0 ? 'add' : 'update', value: only }] };
}

function stepsForUnknown(change: SetChange): Steps {
  if (change.before.length === 0 && change.add.length === 1) return { steps: adding(change.add) };
  return cannot(
    "dnsctl's provider is unknown (dns-provider.main.provider): it may remove foreign records at the name",
  );
}
