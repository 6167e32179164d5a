// The host's cgroup controllers for container limits. OpenWrt has cgroup v2 only; some hosts have v1
// controllers beside an empty v2.

import type { Host } from '../../host/host.ts';
import type { CgroupFacts } from './lxc-config.ts';

const ROOT = '/sys/fs/cgroup';

export async function queryCgroup(host: Host): Promise<CgroupFacts> {
  const controllers = await host.files.read(`${ROOT}/cgroup.controllers`);
  if (controllers !== null) {
    const names = controllers.trim().split(' ');
    return { version: 2, memory: names.includes('memory'), pids: names.includes('pids') };
  }
  const has = async (name: string) => (await host.files.stat(`${ROOT}/${name}`)) !== null;
  return { version: 1, memory: await has('memory'), pids: await has('pids') };
}
