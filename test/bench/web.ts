// The figures of the web container: its memory, its image, and the time of the first page.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ensureImage } from '../../scripts/image.ts';
import type { Appliance } from '../system/lab/appliance.ts';
import type { Lab } from '../system/lab/lab.ts';
import { DOMAINS, NETWORK, PREFIX } from '../system/lab/plan.ts';
import { containerPss } from './memory.ts';

type Record = (name: string, unit: string, value: number, baseline?: number | null) => void;

/** Median milliseconds of a request on a new connection, as curl measures it. */
async function pageTime(lab: Lab, box: Appliance, path: string): Promise<number> {
  const name = `mail.${DOMAINS.ours}`;
  const curl = ['curl', '-sS', '-o', '/dev/null', '-w', '%{time_total}', '--fail'];
  const trust = ['--cacert', join(box.data, 'ssl/fullchain.pem')];
  const resolve = ['--resolve', `${name}:443:${NETWORK.router.wan}`];
  const times: number[] = [];
  for (let run = 0; run < 15; run += 1) {
    const { stdout } = await lab.wan.run([...curl, ...trust, ...resolve, `https://${name}${path}`]);
    times.push(Number(stdout) * 1000);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

/** Processes of PHP that served a page end after this time. */
const PHP_IDLE_MS = 30_000;

export async function measureWeb(lab: Lab, box: Appliance, record: Record): Promise<void> {
  const image = await ensureImage('web');
  const container = `${PREFIX}web`;
  await box.configure({ webmail: { container } });
  await box.does(['webmail', 'install', '--image', image]);
  const file = await pageTime(lab, box, '/skins/elastic/images/logo.svg');
  record('web.first_page', 'ms', await pageTime(lab, box, '/'), file);
  await Bun.sleep(PHP_IDLE_MS);
  record('web.memory', 'MB', containerPss(container));
  record('web.image', 'MB', statSync(image).size / 1e6, statSync(lab.source.image).size / 1e6);
}
