// The state files of one run of the ACME client, each read once. The run holds the appliance's lock from before
// the first read until its end, including its waits, so no other command changes them.

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

/** Throws DATA_INVALID for a damaged file that the run needs. */
export async function openMemory(host: Host, paths: Paths): Promise<AcmeMemory> {
  return {
    acme: await openState(host, paths, ACME_STATE),
    notices: await openState(host, paths, NOTICES),
    dns: await openState(host, paths, DNS_STATE),
  };
}
