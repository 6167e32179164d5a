// Attack 5: clients that open as many connections as they are let, and say nothing.

import type { Socket } from 'node:net';
import { type Attack, times, type World } from './world.ts';

const PORTS = [25, 587, 465];
const ADDRESSES = 5;
/** more than any port has processes for */
const CONNECTIONS = 80;
const HOLD_MS = 20_000;

async function hold(world: World, port: number, from: string): Promise<Socket[]> {
  const wanted = times(CONNECTIONS, () =>
    world.connect({ host: world.server, port, from }).catch(() => null),
  );
  const held = (await Promise.all(wanted)).filter((socket) => socket !== null);
  // a refusal ends it; it must not end the attack
  for (const socket of held) socket.on('error', () => socket.destroy());
  world.count(`silent connections to ${port}`, held.length);
  return held;
}

export const attackSilent: Attack = async (world, turn) => {
  while (turn.isOn()) {
    const from = times(ADDRESSES, () => world.addresses.fresh());
    const pairs = PORTS.flatMap((port) => from.map((address) => [port, address] as const));
    const held = (
      await Promise.all(pairs.map(([port, address]) => hold(world, port, address)))
    ).flat();
    await turn.pause(HOLD_MS);
    for (const socket of held) socket.destroy();
  }
};
