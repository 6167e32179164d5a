// The size of the data folder. The container owns most of it, so root walks it without following links.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { messageBytes } from '../accounts/storage.ts';
import type { Paths } from '../paths.ts';

export interface StorageStatus {
  readonly bytes: number;
  /** False if counting timed out: `bytes` is the count so far. */
  readonly complete: boolean;
  /** Free bytes of the file system. */
  readonly free: number;
}

class OutOfTime extends Error {}

/** @param limit milliseconds to spend on counting; null for as long as it takes */
export async function measureStorage(
  host: Host,
  paths: Paths,
  limit: number | null,
): Promise<StorageStatus> {
  if ((await host.files.stat(paths.data)) === null) return { bytes: 0, complete: true, free: 0 };
  const { free } = await host.files.space(paths.data);
  const deadline = limit === null ? Number.POSITIVE_INFINITY : host.clock.now().getTime() + limit;
  let bytes = 0;
  try {
    await host.untrusted.walk(paths.data, [], ({ name, size }) => {
      if (host.clock.now().getTime() > deadline) throw new OutOfTime();
      bytes += messageBytes(name, size);
    });
  } catch (error) {
    // nested too deep, possibly on purpose: report the count so far
    const deep = error instanceof MailctlError && error.code === 'FILE_FAILED';
    if (!deep && !(error instanceof OutOfTime)) throw error;
    return { bytes, complete: false, free };
  }
  return { bytes, complete: true, free };
}
