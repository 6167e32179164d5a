// mailctl dns-check: what the world finds in the DNS about this server, and how that was measured.

import type { Command } from 'commander';
import { type AppSource, describeWord } from '../cli.ts';
export function registerDnsCheck(program: Command, app: AppSource): void {
  void app;
  void describeWord;
  program.command('dns-check');
}
