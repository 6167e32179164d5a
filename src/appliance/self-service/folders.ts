// The folders of the sockets around `mailctl web`. Who can enter them decides who can connect: the kernel says who asks.

import type { Ownership } from '../../host/files.ts';
import type { Host } from '../../host/host.ts';
import type { Paths } from '../paths.ts';

/** The system user that `mailctl web` runs as. */
export const WEB_USER = 'mailserver-web';
/** In `paths.webDesk`: to `mailctl serve`. */
export const DESK_SOCKET = 'serve.sock';
/** In `paths.webFront`: to the web server in front. */
export const FRONT_SOCKET = 'web.sock';

/** Makes them, owners and modes included. Returns the owner of the sockets. */
export async function ensureWebFolders(
  host: Host,
  { web, webFront, webDesk }: Pick<Paths, 'web' | 'webFront' | 'webDesk'>,
): Promise<Ownership> {
  const user = await host.serviceUsers.ensure(WEB_USER);
  const within = { mode: 0o710, owner: { uid: 0, gid: user.gid } };
  // its owner is the web container's root, who mounts the folder below (webmail/converge.ts)
  const uid = (await host.files.stat(web))?.uid ?? 0;
  await host.files.makeDirectory(web, { mode: 0o710, owner: { uid, gid: user.gid } });
  await host.files.makeDirectory(webDesk, within);
  // for everyone who is in `web` already: inside the web container nginx has another user
  await host.files.makeDirectory(webFront, { mode: 0o711, owner: user });
  return user;
}
