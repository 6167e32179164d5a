// Processes of this host by their id: which one it is, and signals to it; signals to this one.

import { readFileSync } from 'node:fs';
import { killTree } from './process-tree.ts';

export interface Processes {
  /** When it began, in ticks since boot: with the id it names one process for ever. Null when it is gone. */
  started(pid: number): string | null;
  /** The words it was started with; empty when it is gone. */
  command(pid: number): readonly string[];
  /** False when there is no such process. */
  signal(pid: number, signal: NodeJS.Signals): boolean;
  /** Ends it and all its descendants at once (SIGKILL). */
  killTree(pid: number): void;
  /** From here on the signal does this and nothing else: it is a wish, not the end of the program. */
  onSignal(signal: NodeJS.Signals, heard: () => void): void;
  /** Gives back what the work so far has left in the memory of this one: for a wait of hours. */
  releaseMemory(): void;
}

function started(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the program's name stands in brackets and may hold anything
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

export function createProcesses(): Processes {
  return { started, command, signal, killTree, onSignal, releaseMemory: () => Bun.gc(true) };
}
