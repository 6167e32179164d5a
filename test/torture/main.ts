// npm run torture [-- --minutes N] [--json FILE] [--log FILE]: attacks on a mail server of the lab, one by one and all at once, while
// legitimate users work. Ends with 1 when one of them was refused or waited for 5 s. MAILSERVER_SEED repeats a run.

import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSeed } from '../seed.ts';
import type { Appliance } from '../system/lab/appliance.ts';
import { type Lab, startLab } from '../system/lab/lab.ts';
import { PREFIX } from '../system/lab/plan.ts';
import { must, waitFor } from '../system/lab/programs.ts';
import { SCRIPT } from './mail.ts';
import { type Answer, formatTable, problemsOf, summarizeBy } from './measures.ts';
import {
  ACCOUNTS,
  ATTACK_NETWORK,
  type AttackName,
  FLOOD_DOMAIN,
  type Phase,
  planPhases,
  USER_NETWORK,
  userName,
} from './plan.ts';
import { putScript, workAsUsers } from './users.ts';

const HERE = import.meta.dir;
/** hostile messages that were taken are removed, or the disk would end the run */
const CLEANING_MS = 15_000;
/** a mailbox a minute, so that none submits more than it may in an hour */
const FEWEST_USERS = 4;

type Counts = Record<string, number>;

interface Attackers {
  attack(names: readonly AttackName[]): void;
  /** Ends them; what they did. */
  end(): Promise<Counts>;
}

function startAttackers(seed: number): Attackers {
  const argv = [process.execPath, join(HERE, 'attackers.ts'), String(seed)];
  const child = Bun.spawn(argv, { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' });
  const printed = new Response(child.stdout).text();
  return {
    attack: (names) => {
      if (child.exitCode !== null) throw new Error(`the attackers ended with ${child.exitCode}`);
      child.stdin.write(`${JSON.stringify(names)}\n`);
      child.stdin.flush();
    },
    end: async () => {
      child.stdin.end();
      const status = await child.exited;
      if (status !== 0) throw new Error(`the attackers ended with ${status}`);
      return JSON.parse(await printed) as Counts;
    },
  };
}

/** The server as it is shipped, but for greylisting, which defers strangers on purpose. */
async function startServer(lab: Lab, users: number): Promise<Appliance> {
  const route = ['ip', 'route', 'add', 'local', ATTACK_NETWORK, 'dev', 'lo'];
  const { status, stderr } = await lab.wan.run(route);
  if (status !== 0) throw new Error(stderr);
  const mailboxes = Object.values(ACCOUNTS).map((address) => address.split('@')[0] ?? '');
  const named = Array.from({ length: users }, (_, n) => userName(n));
  const box = await lab.appliance({ features: { greylist: 0 } }, [...mailboxes, ...named]);
  await lab.dns.addZone(`${FLOOD_DOMAIN}.`, ['@ MX 10 mx.outside.test.']);
  await putScript(lab, ACCOUNTS.script, SCRIPT);
  // the first look-up of a resolver that has just started may fail, and Postfix tries again after a minute
  const sends = async () => (await box.mailctl('test friend@outside.test')).status === 0;
  await waitFor('mail to go out', async () => ((await sends()) ? true : undefined), 120_000);
  return box;
}

interface Run {
  lab: Lab;
  box: Appliance;
  users: number;
  phases: Phase[];
  seed: number;
}

async function torture({ lab, box, users, phases, seed }: Run) {
  const answers: Answer[] = [];
  let current: Phase | null = phases[0] ?? null;
  const attackers = startAttackers(seed);
  const cleaning = setInterval(() => void clean(box), CLEANING_MS);
  const working = workAsUsers({
    ...{ lab, users, answers },
    phase: () => current?.name ?? null,
    isCrowded: () => current?.attacks.includes('logins') ?? false,
  });
  try {
    for (const phase of phases) {
      current = phase;
      attackers.attack(phase.attacks);
      console.log(`${phase.name}: ${phase.seconds} s, load ${loadavg()[0]?.toFixed(1)}`);
      await Promise.race([Bun.sleep(phase.seconds * 1000), working]);
    }
    current = null;
    await working;
    return { answers, counts: await attackers.end() };
  } finally {
    current = null;
    clearInterval(cleaning);
  }
}

async function clean(box: Appliance): Promise<void> {
  for (const mailbox of ['INBOX', 'Junk']) {
    const words = ['expunge', '-u', ACCOUNTS.victim, 'mailbox', mailbox, 'all'];
    const { status, stderr } = await box.inside(['doveadm', ...words]);
    if (status !== 0) console.log(`doveadm expunge ${mailbox} ended with ${status} ${stderr}`);
  }
}

/** What the run left behind that is a problem by itself. */
async function lookAfterwards(box: Appliance): Promise<{ problems: string[]; banned: number }> {
  const problems: string[] = [];
  const bans = await box.does('fail2ban list');
  const { state } = await box.json<{ state: string }>('status');
  if (bans.includes(USER_NETWORK)) problems.push('an address of a legitimate user is banned');
  if (state !== 'running') problems.push(`afterwards the server is ${state}`);
  return { problems, banned: bans.match(/\b198\.1[89]\.\d+\.\d+/g)?.length ?? 0 };
}

/** How often the container was at its limits of memory and of processes, for either version of cgroups. */
async function limitsHit(): Promise<Counts> {
  const group = `*/lxc.payload.${PREFIX}box*/*`;
  const files = ['memory.events', 'memory.failcnt', 'pids.events'];
  const names = files.flatMap((name) => ['-o', '-name', name]).slice(1);
  const find = ['find', '/sys/fs/cgroup', '-path', group, '(', ...names, ')'];
  const counts: Counts = {};
  for (const path of (await must(find)).split('\n').filter(Boolean)) {
    const text = await Bun.file(path).text();
    for (const [, event = '', times] of text.matchAll(/^(\w+ )?(\d+)$/gm)) {
      const name = `container: ${path.split('/').at(-1)} ${event.trim()}`.trim();
      if (Number(times) > 0) counts[name] = (counts[name] ?? 0) + Number(times);
    }
  }
  return counts;
}

async function main(): Promise<number> {
  const file = { type: 'string' } as const;
  const options = { minutes: { ...file, default: '10' }, json: file, log: file };
  const { values } = parseArgs({ options });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes} is not a number above 0`);
  const seed = readSeed();
  const [phases, users] = [planPhases(minutes), Math.max(FEWEST_USERS, Math.ceil(minutes))];
  console.log(`repeat with MAILSERVER_SEED=${seed}; ${cpus().length} × ${cpus()[0]?.model}`);
  await must([process.execPath, join(HERE, '../../scripts/build.ts')], { timeout: 300_000 });
  const lab = await startLab();
  try {
    const box = await startServer(lab, users);
    const { answers, counts } = await torture({ lab, box, users, phases, seed });
    const { problems: left, banned } = await lookAfterwards(box);
    if (values.log !== undefined) await Bun.write(values.log, await box.log());
    const limits = await limitsHit();
    const script = lab.mx.messages.filter(({ to }) => /^(target|visitor)\d+@/.test(to[0] ?? ''));
    const done = {
      ...counts,
      ...limits,
      'addresses banned': banned,
      'sent by the script': script.length,
    };
    const [operations, byPhase] = [
      summarizeBy(answers, 'operation'),
      summarizeBy(answers, 'phase'),
    ];
    const problems = [...problemsOf(answers, phases), ...left];
    const load = loadavg();
    console.log(`\n${formatTable('operation', operations)}\n`);
    console.log(`${formatTable('during', byPhase)}\n`);
    for (const [what, times] of Object.entries(done).sort()) console.log(`${what}: ${times}`);
    console.log(`load average ${load.map((one) => one.toFixed(1)).join(' ')}`);
    console.log(problems.length === 0 ? 'passed' : `failed: ${problems.join('; ')}`);
    if (values.json !== undefined) {
      const report = { seed, minutes, load, operations, phases: byPhase, attacks: done, problems };
      await Bun.write(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    return problems.length === 0 ? 0 : 1;
  } finally {
    await lab.down();
  }
}

process.exit(await main());
