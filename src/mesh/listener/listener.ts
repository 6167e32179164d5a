// The process that listens to peers. It runs as a user of its own, holds no key but that of its connections, and writes
// nowhere but below the folder of the peers' archives: <folder>/peers/<peer_id>/.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { type ClientCertificate, type Guest, startPeerServer } from '../../host/peer-server.ts';
import { type AdmittedPeer, readAdmitted } from './admitted.ts';
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
    /** Archives of this box that its peers may fetch: hard links to those of the outbox. */
    offers: join(folder, 'offers'),
  };
}

export interface ListenerOptions {
  /** The mesh's folder. */
  readonly folder: string;
  readonly address: string;
  readonly port: number;
  readonly log: (line: string) => void;
}

/** Which files a certificate may reach; null for a stranger. */
async function findVisit(
  host: Host,
  { folder }: ListenerOptions,
  { certificate, publicKey, issuer }: ClientCertificate,
): Promise<{ box: string; visit: Omit<Visit, 'uploads'> } | null> {
  const paths = listenerPaths(folder);
  const { offers } = paths;
  const peers = await readAdmitted(host, paths.own);
  const visitOf = (grant: AdmittedPeer, may: Visit['may']) => ({
    box: grant.id,
    visit: { folder: join(paths.peers, grant.id), offers, grant, may },
  });
  const own = peers.find(({ id }) => id === certificate);
  if (own !== undefined) return visitOf(own, 'store');
  const listener = peers.find(({ id }) => id === issuer);
  if (listener !== undefined) return visitOf(listener, 'take');
  for (const peer of peers) {
    const keys = await readRestoreKeys(host, join(paths.peers, peer.id));
    if (keys.includes(publicKey)) return visitOf(peer, 'read');
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
    const name = `${visit.may} ${box}`;
    return { name, answer: (request) => answer(host, visit, request) };
  };
  const [key, chain] = await Promise.all([readPem(host, paths.key), readPem(host, paths.chain)]);
  return startPeerServer({ ...options, key, chain, admit });
}
