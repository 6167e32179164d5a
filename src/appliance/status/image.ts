// The version of the installed image.

import type { Host } from '../../host/host.ts';
import { currentImage, type Image } from '../container/image.ts';
import type { Paths } from '../paths.ts';

export interface ImageStatus {
  /** Debian's point release and the recipe, such as `13.7-1f34e482d98d`. */
  readonly version: string;
  readonly variant: string;
  readonly sha256: string;
}

function describeImage({ manifest, sha256 }: Image): ImageStatus {
  const { created_from, recipe_sha256, variant } = manifest;
  const version = `${created_from.point_release}-${recipe_sha256.slice(0, 12)}`;
  return { version, variant, sha256 };
}

/** null before the first install. */
export async function queryImage(host: Host, paths: Paths): Promise<ImageStatus | null> {
  const image = await currentImage(host, paths);
  return image === null ? null : describeImage(image);
}
