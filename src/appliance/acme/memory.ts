// What one run of the ACME client remembers: each of its state files, read once. The run holds the appliance's
// lock from before the first read until its end, its waits included, so no other command changes them meanwhile.

import type { Host } from '../../host/host.ts';
import { type OpenState, openState } from '../container/state-file.ts';
import { DNS_STATE, type DnsState } from '../dns/publish/state.ts';
import type { Paths } from '../paths.ts';
import { NOTICES, type Notices } from '../tls/notices.ts';
import { ACME_STATE, type AcmeState } from './state.ts';

export interface AcmeMemory {
  readonly acme: OpenState<AcmeState>;
  readonly notices: OpenState<Notices>;
  readonly dns: OpenState<DnsState>;
}

/** Throws DATA_INVALID where a damaged file cannot be gone on without. */
export async function openMemory(host: Host, paths: Paths): Promise<AcmeMemory> {
  return {
    acme: await openState(host, paths, ACME_STATE),
    notices: await openState(host, paths, NOTICES),
    dns: await openState(host, paths, DNS_STATE),
  };
}
