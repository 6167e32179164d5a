// Which image is asked for, and by what it is known to be the right one: HTTPS, or a SHA-256 that was told by
// another way. Pure.

import { MailctlError } from '../../errors.ts';
import type { Settings } from '../settings/settings.ts';
import type { ImageManifest } from './image-manifest.ts';

export interface ImageWish {
  /** File or URL; absent for main.image, the installed one, or a new one built here. */
  readonly source?: string;
  /** What the image must have, told by another way than the image. */
  readonly sha256?: string;
}

export interface Source {
  readonly place: string;
  readonly sha256: string | null;
}

/** The manifest comes from where the image comes from, and over plain HTTP anyone on the path can replace both. */
export function requireTrust({ place, sha256 }: Source): void {
  if (!place.startsWith('http:') || sha256 !== null) return;
  throw new MailctlError(
    'IMAGE_INVALID',
    `${place} is plain HTTP, and the image's SHA-256 is not given`,
    {
      hint: `mailctl install --image ${place} --sha256 <SHA-256 from a place you trust>, or an https:// address`,
    },
  );
}

export function checkGiven(manifest: ImageManifest, { place, sha256 }: Source): void {
  if (sha256 === null || manifest.image_sha256 === sha256) return;
  throw new MailctlError(
    'IMAGE_INVALID',
    `the image ${place} has the SHA-256 ${manifest.image_sha256}, and ${sha256} was asked for`,
    {
      hint: 'compare the SHA-256 with the one that was published, then fetch or build the image again',
    },
  );
}

/** Where the image comes from when it is neither the installed one nor built here. */
export function wishedSource({ main }: Settings, wish: ImageWish): Source | null {
  const place = wish.source ?? main.image;
  if (place === null && wish.sha256 !== undefined) {
    throw new MailctlError('USAGE', '--sha256 needs an image: --image, or main.image');
  }
  if (place === null) return null;
  const configured = place === main.image ? main.imageSha256 : null;
  return { place, sha256: wish.sha256 ?? configured };
}
