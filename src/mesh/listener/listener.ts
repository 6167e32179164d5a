// The process that listens to peers. It runs as a user of its own, holds no key but that of its connections, and writes
// nowhere but below the folder of the peers' archives: <folder>/peers/<peer_id>/.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { type ClientCertificate, type Guest, startPeerServer } from '../../host/peer-server.ts';
import { readAdmitted } from './admitted.ts';
import { answer, type Visit } from './answer.ts';
import { readRestoreKeys } from './holdings.ts';

export const MESH_USER = 'mailserver-mesh';

/** The parts of the mesh's folder that concern the listener. */
export function listenerPaths(folder: string) {
  const own = join(folder, 'listener');
  return {
    folder,
    own,
    key: join(own, 'key.pem'),
    chain: join(own, 'chain.pem'),
    peers: join(folder, 'peers'),
  };
}

export interface ListenerOptions {
  /** The mesh's folder. */
  readonly folder: string;
  readonly address: string;
  readonly port: number;
  readonly log: (line: string) => void;
}

/** Whose files a certificate may reach. */
async function findVisit(
  host: Host,
  { folder }: ListenerOptions,
  { certificate, publicKey }: ClientCertificate,
): Promise<{ box: string; visit: Omit<Visit, 'uploads'> } | null> {
  const paths = listenerPaths(folder);
  const peers = await readAdmitted(host, paths.own);
  const own = peers.find(({ id }) => id === certificate);
  if (own !== undefined) {
    const visit = { folder: join(paths.peers, own.id), grant: own, readOnly: false };
    return { box: own.id, visit };
  }
  for (const peer of peers) {
    const home = join(paths.peers, peer.id);
    if (!(await readRestoreKeys(host, home)).includes(publicKey)) continue;
    return { box: peer.id, visit: { folder: home, grant: peer, readOnly: true } };
  }
  return null;
}

async function readPem(host: Host, path: string): Promise<string> {
  const text = await host.files.read(path);
  if (text !== null) return text;
  throw new MailctlError('FILE_FAILED', `${path} is missing`, { hint: 'mailctl mesh enable' });
}

/** Listens until `close`. Throws PORT_TAKEN, ADDRESS_UNKNOWN, FILE_FAILED. */
export async function startListener(host: Host, options: ListenerOptions) {
  const paths = listenerPaths(options.folder);
  const uploads = new Map<string, Map<string, number>>();
  const admit = async (shown: ClientCertificate): Promise<Guest | null> => {
    const found = await findVisit(host, options, shown);
    if (found === null) return null;
    const { box } = found;
    const running = uploads.get(box) ?? new Map<string, number>();
    uploads.set(box, running);
    const visit = { ...found.visit, uploads: running };
    const name = visit.readOnly ? `restore ${box}` : box;
    return { name, answer: (request) => answer(host, visit, request) };
  };
  const [key, chain] = await Promise.all([readPem(host, paths.key), readPem(host, paths.chain)]);
  return startPeerServer({ ...options, key, chain, admit });
}
