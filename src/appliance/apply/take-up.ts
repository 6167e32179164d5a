// Makes a container use the generation in force: starts it, restarts it, or reloads the daemons concerned.

import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { reloadDaemon, restartDaemon } from '../container/daemons.ts';
import { bringUp, stopRunning } from '../container/lifecycle.ts';
import type { Effects } from './changes.ts';
import type { Generation } from './generation.ts';

async function applyEffects(host: Host, target: Appliance, effects: Effects): Promise<void> {
  for (const daemon of effects.restart) await restartDaemon(host, target, daemon);
  for (const daemon of effects.reload) await reloadDaemon(host, target, daemon);
}

/** True if it was started. The generation must be the one that `current` names. */
export async function takeUp(
  host: Host,
  target: Appliance,
  step: { generation: Generation; effects: Effects; start: boolean },
): Promise<boolean> {
  const { generation, effects, start } = step;
  const running = await isRunning(host, containerRef(target));
  if (running && effects.restartContainer) await stopRunning(host, target);
  if (!running && !start) return false;
  const started = await bringUp(host, target, generation.host);
  if (!started) await applyEffects(host, target, effects);
  return started;
}
