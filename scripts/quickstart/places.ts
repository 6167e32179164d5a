// Folder, bridge and addresses of the quickstart.

import { ROOT } from '../programs.ts';

export const FOLDER = `${ROOT}/.quickstart`;
/** The second box; a folder that its system user can reach, wherever the repository is. */
export const PEER_FOLDER = '/var/tmp/mailserver-quickstart';
export const BINARY = `${ROOT}/dist/mailctl`;
export const BRIDGE = 'mailquick0';
export const ADDRESS = '10.82.26.2';
export const WEB_ADDRESS = '10.82.26.3';
export const OUTSIDE_ADDRESS = '10.82.26.53';
