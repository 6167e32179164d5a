// mailctl ssl-…: the certificate that the server shows.

import type { Command } from 'commander';
import type { AppSource } from '../command.ts';
import { registerSslRenew } from './ssl-renew.ts';
import { registerSslSetup } from './ssl-setup.ts';
import { registerSslStatus } from './ssl-status.ts';

export function registerSsl(program: Command, app: AppSource): void {
  registerSslSetup(program, app);
  registerSslRenew(program, app);
  registerSslStatus(program, app);
}
