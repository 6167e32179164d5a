// Processes of this host by id: identity and signals; signals to this process.

import { readFileSync } from 'node:fs';
import { killTree } from './process-tree.ts';

export interface Processes {
  /** Start time in ticks since boot, which with the id identifies a process. Null when it has ended. */
  started(pid: number): string | null;
  /** Its command line; empty when it has ended. */
  command(pid: number): readonly string[];
  /** False for an unknown process. */
  signal(pid: number, signal: NodeJS.Signals): boolean;
  /** Kills it and all its descendants (SIGKILL). */
  killTree(pid: number): void;
  /** Installs a handler, which replaces the signal's default action. */
  onSignal(signal: NodeJS.Signals, heard: () => void): void;
  /** For a program that `programs.attend` runs: called when the process that attends it has ended. */
  onParentEnd(heard: () => void): void;
  /** Returns free memory of this process to the system, before a wait of hours. */
  releaseMemory(): void;
}

function started(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the program's name is in brackets and may contain any character
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function command(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function onSignal(name: NodeJS.Signals, heard: () => void): void {
  process.removeAllListeners(name);
  process.on(name, heard);
}

function onParentEnd(heard: () => void): void {
  for (const event of ['end', 'close', 'error']) process.stdin.once(event, heard);
  process.stdin.resume();
}

export function createProcesses(): Processes {
  const releaseMemory = () => Bun.gc(true);
  return { started, command, signal, killTree, onSignal, onParentEnd, releaseMemory };
}
