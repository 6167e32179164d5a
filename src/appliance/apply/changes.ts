// Desired − present: the changes of the container's configuration and their effects on daemons. Pure.

import type { HostPart } from '../container/host-part.ts';
import type { Daemon, ManagedFile, OnChange } from '../render/managed-file.ts';
import { managedFiles } from '../render/manifest.ts';
import type { Generation, GenerationFile } from './generation.ts';

export interface Change {
  readonly what: 'file' | 'record' | 'firewall' | 'container';
  readonly name: string;
  readonly action: 'add' | 'change' | 'remove';
  /** The reload or restart with which a running container takes up the change. */
  readonly effect: OnChange;
  /** Texts for a diff; absent for secrets and for changes without a text. */
  readonly before?: string;
  readonly after?: string;
}

export interface Effects {
  readonly restartContainer: boolean;
  readonly restart: readonly Daemon[];
  readonly reload: readonly Daemon[];
}

type Content = Omit<Generation, 'name'>;

const RESTART_CONTAINER: OnChange = { restart_container: true };

function shown(secret: boolean, before: string | undefined, after: string | undefined) {
  if (secret) return {};
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

function sameFile(a: GenerationFile, b: GenerationFile): boolean {
  return a.text === b.text && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

function fileChanges(
  before: readonly GenerationFile[],
  after: readonly GenerationFile[],
  manifest: readonly ManagedFile[],
): Change[] {
  const old = new Map(before.map((file) => [file.path, file]));
  const wanted = new Map(after.map((file) => [file.path, file]));
  const paths = [...new Set([...old.keys(), ...wanted.keys()])].sort();
  return paths.flatMap((path): Change[] => {
    const from = old.get(path);
    const to = wanted.get(path);
    if (from && to && sameFile(from, to)) return [];
    const action = from === undefined ? 'add' : to === undefined ? 'remove' : 'change';
    const managed = manifest.find((file) => file.path === path);
    const effect = managed?.on_change ?? RESTART_CONTAINER;
    return [
      {
        what: 'file',
        name: path,
        action,
        effect,
        ...shown(managed?.secret === true, from?.text, to?.text),
      },
    ];
  });
}

function inputChanges(before: HostPart | undefined, after: HostPart): Change[] {
  // `before` may list daemons that are disabled now: they have nothing to reload
  return Object.keys(after.inputs)
    .filter((daemon) => before?.inputs[daemon] !== after.inputs[daemon])
    .map((daemon) => ({
      what: 'file',
      name: `keys or additions read by ${daemon}`,
      action: 'change',
      effect: { reload: daemon as Daemon },
    }));
}

function hostChanges(before: HostPart | undefined, after: HostPart): Change[] {
  const changes: Change[] = [];
  const action = before === undefined ? 'add' : 'change';
  const effect = RESTART_CONTAINER;
  if (before?.lxcConfig !== after.lxcConfig || before.seccomp !== after.seccomp) {
    const texts = { before: before?.lxcConfig ?? '', after: after.lxcConfig };
    changes.push({ what: 'container', name: 'lxc config', action, effect, ...texts });
  }
  if (before?.image !== after.image) {
    const texts = { before: before?.image ?? '', after: after.image };
    changes.push({ what: 'container', name: 'image', action, effect, ...texts });
  }
  if (JSON.stringify(before?.network) !== JSON.stringify(after.network)) {
    const texts = {
      before: before ? JSON.stringify(before.network, null, 2) : '',
      after: JSON.stringify(after.network, null, 2),
    };
    changes.push({
      what: 'firewall',
      name: 'network and ports',
      action,
      effect: { none: true },
      ...texts,
    });
  }
  return changes;
}

/**
 * Everything that differs between the generation in use (null: none yet) and the desired one.
 * @param manifest of the container
 */
export function planGeneration(
  present: Content | null,
  desired: Content,
  manifest: readonly ManagedFile[] = managedFiles,
): Change[] {
  return [
    ...hostChanges(present?.host, desired.host),
    ...fileChanges(present?.files ?? [], desired.files, manifest),
    ...inputChanges(present?.host, desired.host),
  ];
}

/** The restarts and reloads with which a running container takes up the changes. */
export function effectsOf(changes: readonly Change[]): Effects {
  const effects = changes.map(({ effect }) => effect);
  const restart = new Set(effects.flatMap((effect) => ('restart' in effect ? effect.restart : [])));
  const reload = new Set(effects.flatMap((effect) => ('reload' in effect ? effect.reload : [])));
  return {
    restartContainer: effects.some((effect) => 'restart_container' in effect),
    restart: [...restart],
    reload: [...reload].filter((daemon) => !restart.has(daemon)),
  };
}
