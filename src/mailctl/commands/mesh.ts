// mailctl mesh: encrypted backups on other boxes, disks and object stores.

import type { Command } from 'commander';
import { type CommandLine, describeGroup } from '../command.ts';
import { registerAddPeer } from './mesh-add-peer.ts';
import { registerEnable } from './mesh-enable.ts';
import { registerListen } from './mesh-listen.ts';
import { registerPeers } from './mesh-peers.ts';
import { registerRestore } from './mesh-restore.ts';
import { registerStatus } from './mesh-status.ts';
import { registerBackup } from './mesh-sync.ts';
import { registerTake } from './mesh-take.ts';
import { registerVerify } from './mesh-verify.ts';

export function registerMesh(mesh: Command, line: CommandLine): void {
  registerEnable(mesh, line);
  registerStatus(mesh, line);
  registerPeers(mesh, line);
  registerAddPeer(mesh, line);
  registerBackup(mesh, line);
  registerVerify(mesh, line);
  registerRestore(mesh, line);
  registerListen(mesh, line);
  registerTake(mesh, line);
  describeGroup(mesh, {
    examples: ['mailctl mesh enable', 'mailctl mesh add-peer file:///mnt/usb/mail'],
  });
}
