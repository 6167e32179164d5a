// npm run test:vm: the package on a whole router, in a virtual machine (10 to 40 minutes without KVM). Prints each step
// with its result, and last `N passed, N failed`.

import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ensureImage } from '../../scripts/image.ts';
import { capture } from '../../scripts/programs.ts';
import { chooseAccelerator } from './accelerator.ts';
import { ensureRouterDisk } from './disk.ts';
import { type Machine, startMachine } from './machine.ts';
import { type Scene, STEPS } from './steps.ts';
import { startWorld, type World } from './world.ts';

/** The packages, an older and a newer one, and the image; returns their names. */
async function makeFiles(media: string): Promise<Scene['files']> {
  const make = async (release: string) => {
    const output = join(media, `../packages-${release}`);
    const words = ['scripts/package.ts', '--arch', 'x86_64', '--output', output];
    // make takes its variables from MAKEFLAGS as from its command line
    await capture(['env', `MAKEFLAGS=PKG_RELEASE=${release}`, process.execPath, ...words]);
    const [path = ''] = [...new Bun.Glob('*/*.ipk').scanSync(output)];
    await copyFile(join(output, path), join(media, basename(path)));
    return basename(path);
  };
  await mkdir(media);
  const image = await ensureImage();
  for (const path of [image, image.replace(/squashfs$/, 'manifest.json')])
    await copyFile(path, join(media, basename(path)));
  return { first: await make('1'), newer: await make('2'), image: basename(image) };
}

async function runSteps(scene: Scene): Promise<number> {
  let passed = 0;
  for (const { title, run } of STEPS) {
    const started = performance.now();
    const took = () => `${Math.round((performance.now() - started) / 1000)} s`;
    try {
      await run(scene);
      passed += 1;
      console.log(`passed: ${title} (${took()})`);
    } catch (error) {
      console.log(
        `failed: ${title} (${took()})\n${error instanceof Error ? error.message : error}`,
      );
      console.log(await explain(scene.machine));
      break;
    }
  }
  // each step begins where the one before it ended
  for (const { title } of STEPS.slice(passed + 1)) console.log(`failed: ${title} (not reached)`);
  console.log(`\n${passed} passed, ${STEPS.length - passed} failed`);
  return passed === STEPS.length ? 0 : 1;
}

/** What the machine says, for a failed step. */
async function explain(machine: Machine): Promise<string> {
  const look = 'mailctl status; mailctl logs 30; tail -n 30 /var/log/messages; dmesg | tail -n 5';
  const said = await machine.sh(look, 120_000).catch((error) => ({ text: String(error) }));
  return `${said.text}\n-- console --\n${await machine.console()}`;
}

async function run(folder: string, world: World): Promise<number> {
  const disk = await ensureRouterDisk();
  const accelerator = await chooseAccelerator(disk, folder);
  console.log(accelerator === 'kvm' ? 'with KVM' : "without KVM: QEMU's own emulation");
  const media = join(folder, 'media');
  const files = await makeFiles(media);
  await copyFile(world.ca.caFile, join(media, 'ca.crt'));
  await world.describeRoot(join(media, 'data'));
  const { taps, command } = world;
  const machine = await startMachine({ folder, disk, accelerator, media, taps, command });
  try {
    return await runSteps({ machine, world, files });
  } finally {
    await machine.end();
  }
}

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'mailserver-vm-'));
  try {
    const world = await startWorld();
    try {
      return await run(folder, world);
    } finally {
      await world.down();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.exit(await main());
