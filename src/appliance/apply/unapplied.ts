// Whether UCI was edited after the last apply, for status and doctor.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { currentImage } from '../container/image.ts';
import { planGeneration } from './changes.ts';
import { desiredGeneration } from './desired.ts';
import { generationHere } from './generation.ts';
import { requireSamePlace } from './same-place.ts';

export interface Unapplied {
  /** Number of changes that `apply` would make for UCI, or for a newer mailctl. */
  readonly changes: number;
  /** Why `apply` would refuse them; null when it would not. */
  readonly refusal: { readonly message: string; readonly hint: string | null } | null;
}

/** Certificates, keys and `custom/` do not count: they change without UCI. Nothing is unapplied before `install`. */
export async function queryUnapplied(host: Host, target: Appliance): Promise<Unapplied> {
  const image = await currentImage(host, target.paths);
  if (image === null) return { changes: 0, refusal: null };
  try {
    await requireSamePlace(host, target);
    const present = await generationHere(host, target, 'current');
    if (present === null) return { changes: 0, refusal: null };
    const desired = await desiredGeneration(host, target, image.sha256);
    const { inputs } = present.host;
    const comparable = { ...desired, host: { ...desired.host, inputs } };
    return { changes: planGeneration(present, comparable).length, refusal: null };
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    return { changes: 0, refusal: { message: error.message, hint: error.hint ?? null } };
  }
}
