// The source of the image and its authentication: HTTPS, or a SHA-256 from a trusted place. Pure.

import { MailctlError } from '../../errors.ts';
import type { Settings } from '../settings/settings.ts';
import type { ImageManifest } from './image-manifest.ts';

export interface ImageWish {
  /** File or URL; absent for main.image, the installed image, or a new build on this host. */
  readonly source?: string;
  /** Expected SHA-256 of the image, from a trusted place. */
  readonly sha256?: string;
}

export interface Source {
  readonly place: string;
  readonly sha256: string | null;
}

/** Throws IMAGE_INVALID for plain HTTP without a SHA-256: an attacker on the path can replace image and manifest. */
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
    `the image ${place} has the SHA-256 ${manifest.image_sha256}, expected ${sha256}`,
    {
      hint: 'compare it with the published SHA-256, then fetch or build the image again',
    },
  );
}

/** The file or URL to install from; null for the installed image or a new build. */
export function wishedSource({ main }: Settings, wish: ImageWish): Source | null {
  const place = wish.source ?? main.image;
  if (place === null && wish.sha256 !== undefined) {
    throw new MailctlError('USAGE', '--sha256 needs --image or main.image');
  }
  if (place === null) return null;
  const configured = place === main.image ? main.imageSha256 : null;
  return { place, sha256: wish.sha256 ?? configured };
}
