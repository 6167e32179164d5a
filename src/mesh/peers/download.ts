// Fetches files from a peer, and lists what it offers of its own.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { CertificateAndKey } from '../identity.ts';
import type { ArchiveFile, Progress, StoredFile } from '../store.ts';
import { parseFiles } from './answers.ts';
import { paced } from './pace.ts';
import { asked, atAnyAddress, type PeerBox, type Reach, reachOf } from './reach.ts';
import { refusalError } from './refusals.ts';

interface Download {
  /** Of the content, without `from`. */
  readonly request: string;
  readonly part: string;
  readonly progress: Progress;
}

/** Goes on with the part, up to the size of the file. */
export async function download(
  reach: Reach,
  { name, size }: Pick<ArchiveFile, 'name' | 'size'>,
  { request: path, part, progress }: Download,
): Promise<void> {
  const { host, label, peer } = reach;
  const present = (await host.files.stat(part))?.size ?? 0;
  const offset = present > size ? 0 : present;
  const request = { method: 'GET', path: `${path}?from=${offset}` } as const;
  const answer = await atAnyAddress(reach, (target) =>
    host.wire.receive(target, request, async (length, pieces) => {
      if (length !== size - offset) {
        const message = `${name}: ${label} offers ${offset + length} bytes instead of ${size}`;
        throw new MailctlError('PEER_REFUSED', message);
      }
      const passed = (bytes: number) => progress(offset + bytes);
      const flow = paced(host, pieces, { rate: peer.rate, passed });
      await host.archives.append(part, { offset, limit: length, pieces: flow });
    }),
  );
  if (answer.status !== 200) throw refusalError(label, name, answer);
}

/** What a peer offers of its own. @param pair of the listener: it may do nothing else there */
export function openOffers(host: Host, peer: PeerBox, pair: CertificateAndKey) {
  const reach = reachOf(host, peer, pair);
  return {
    list: () => asked(reach, { method: 'GET', path: '/v1/own', about: 'list' }, parseFiles),
    /** Fetches the rest of the file into `part`. */
    fetch: (file: StoredFile, part: string) =>
      download(reach, file, { request: `/v1/own/${file.name}`, part, progress: () => undefined }),
  };
}
