// Points the resolver of an appliance to a test root: the operator's resolver lines, and the root's key.

import { chown, mkdir, writeFile } from 'node:fs/promises';
import { resolverLines } from './zones.ts';

export interface Root {
  address: string;
  trustAnchor: string;
}

/** Unbound's user inside the container, seen from the host with the default `main.idmap_base`. */
const UNBOUND = 100_208;

/** Call before the first `install`; `data` is the appliance's data folder. */
export async function useRoot(data: string, root: Root): Promise<void> {
  await mkdir(`${data}/custom`, { recursive: true });
  await writeFile(`${data}/custom/unbound.conf`, resolverLines(root.address));
  const state = `${data}/state/unbound`;
  await mkdir(state, { recursive: true });
  await writeFile(`${state}/root.key`, `${root.trustAnchor}\n`);
  for (const path of [state, `${state}/root.key`]) await chown(path, UNBOUND, UNBOUND);
}
