// How a peer proves that it still holds an archive which this box no longer has: questions whose answers were computed
// while the archive was here, <mesh>/proofs/<archive>.json. A question is asked once of each peer, as long as there are
// others.

import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { MailctlError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { isProved, makeChallenges } from './peers/challenges.ts';
import type { ArchiveStore } from './store.ts';

/** Enough for years, since each question goes to one of the archives of a backup. */
const QUESTIONS = 24;

const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]+$/));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const schema = v.object({
  v: v.literal(1),
  questions: v.array(v.object({ from: count, to: count, nonce: hex, answer: hex })),
  /** By peer: how many it has been asked. */
  asked: v.record(v.string(), count),
});

type Questions = v.InferOutput<typeof schema>;

const folderOf = (folder: string): string => join(folder, 'proofs');
const fileOf = (folder: string, archive: string): string =>
  join(folderOf(folder), `${archive}.json`);

async function write(host: Host, path: string, questions: Questions): Promise<void> {
  await host.files.replace(path, `${JSON.stringify(questions)}\n`, { mode: 0o600 });
}

/** null when there are none, or the file is damaged: then another archive is asked for. */
async function read(host: Host, path: string): Promise<Questions | null> {
  const text = await host.files.read(path);
  if (text === null) return null;
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    host.say(`${path} is damaged, and asks nothing any more`);
    return null;
  }
}

/** Makes the questions about an archive that is at `path`, unless they are there. */
export async function prepareQuestions(
  host: Host,
  folder: string,
  archive: { readonly name: string; readonly path: string; readonly size: number },
): Promise<void> {
  const file = fileOf(folder, archive.name);
  if (archive.size === 0 || (await host.files.stat(file)) !== null) return;
  const questions = await makeChallenges(host, archive, QUESTIONS);
  await host.files.makeDirectory(folderOf(folder), { mode: 0o700 });
  await write(host, file, { v: 1, questions, asked: {} });
}

/** Removes the questions about archives that no backup needs. */
export async function dropQuestions(
  host: Host,
  folder: string,
  needed: ReadonlySet<string>,
): Promise<void> {
  for (const name of await host.files.list(folderOf(folder))) {
    const archive = name.replace(/\.json$/, '');
    if (!needed.has(archive)) await host.files.remove(join(folderOf(folder), name));
  }
}

export interface ProofOptions {
  /** The mesh's folder. */
  readonly folder: string;
  /** Reference of the peer. */
  readonly peer: string;
  /** Archives that it should have. */
  readonly archives: readonly string[];
}

/**
 * Asks about one of the archives, at random; returns its name, or null when there are no questions. Throws PEER_REFUSED
 * for a wrong answer, and what the store throws.
 */
export async function askProof(
  host: Host,
  store: ArchiveStore,
  { folder, peer, archives }: ProofOptions,
): Promise<string | null> {
  const left = [...archives];
  while (left.length > 0) {
    const [archive = ''] = left.splice(randomInt(left.length), 1);
    const file = fileOf(folder, archive);
    const known = await read(host, file);
    if (known === null || known.questions.length === 0) continue;
    const asked = known.asked[peer] ?? 0;
    const index = asked < known.questions.length ? asked : randomInt(known.questions.length);
    const question = known.questions[index];
    if (question === undefined) throw new Error('no such question');
    const proved = await isProved(store, archive, question);
    await write(host, file, { ...known, asked: { ...known.asked, [peer]: asked + 1 } });
    if (proved) return archive;
    const message = `${archive}: ${store.label} gave a wrong proof: it has lost or changed the archive`;
    throw new MailctlError('PEER_REFUSED', message, { hint: 'mailctl mesh verify' });
  }
  return null;
}
