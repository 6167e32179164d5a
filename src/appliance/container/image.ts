// The container images: located, verified, stored under their hash. The link `current` names the one in use.

import { dirname, join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import { digestFile } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { hostArchitecture } from '../../host/machine.ts';
import type { Appliance, ContainerShape } from '../appliance.ts';
import type { Paths } from '../paths.ts';
import { recipe } from '../render/templates.ts';
import { formatBytes } from '../settings/bytes.ts';
import type { Settings } from '../settings/settings.ts';
import { type ImageManifest, parseImageManifest } from './image-manifest.ts';
import {
  checkGiven,
  type ImageWish,
  requireTrust,
  type Source,
  wishedSource,
} from './image-source.ts';

export interface Image {
  readonly sha256: string;
  readonly file: string;
  readonly manifest: ImageManifest;
}

const SQUASHFS = '.squashfs';
const MANIFEST = '.manifest.json';
const SIZE_LIMIT = 2_000_000_000;
const BUILD_CACHE = '/var/cache/mailserver';
const BUILD_LIMIT_MS = 3_600_000;

function checkFits({ settings, shape }: Appliance, manifest: ImageManifest, source: string): void {
  const wanted = hostArchitecture();
  if (manifest.architecture !== wanted) {
    throw new MailctlError(
      'IMAGE_INVALID',
      `the image ${source} is for ${manifest.architecture}, and this machine is ${wanted}`,
      { hint: `mailctl install --image <image for ${wanted}>` },
    );
  }
  requireVariant(shape, manifest, source);
  if (shape === undefined) requireScanner(settings, manifest, source);
}

/** Throws IMAGE_INVALID for the image of the other container. */
function requireVariant(
  shape: ContainerShape | undefined,
  { variant }: ImageManifest,
  source: string,
): void {
  if ((variant === 'web') === (shape?.variant === 'web')) return;
  const [container, hint] =
    shape === undefined
      ? ['mail', 'mailctl webmail install --image <this image>']
      : ['web', 'mailctl webmail install --image <image of the variant web>'];
  throw new MailctlError(
    'IMAGE_INVALID',
    `the image ${source} is of the variant ${variant}, which is not for the ${container} container`,
    { hint },
  );
}

/** Throws IMAGE_INVALID when virus_scan is on and the image has no ClamAV. */
export function requireScanner(settings: Settings, manifest: ImageManifest, source: string): void {
  if (!settings.features.virusScan || manifest.variant === 'antivirus') return;
  throw new MailctlError(
    'IMAGE_INVALID',
    `features.virus_scan is 1, and the image ${source} has no ClamAV`,
    {
      hint: 'mailctl install --image <antivirus image>, or: mailctl set features.virus_scan 0',
    },
  );
}

async function checkHash(host: Host, file: string, manifest: ImageManifest, source: string) {
  const found = await digestFile(host, file);
  if (found === manifest.image_sha256) return;
  throw new MailctlError(
    'IMAGE_INVALID',
    `the image ${source} is damaged: its SHA-256 is ${found}, and its manifest says ${manifest.image_sha256}`,
    { hint: 'fetch or build the image again' },
  );
}

async function readManifest(host: Host, file: string): Promise<ImageManifest> {
  const text = await host.files.read(file);
  if (text === null) {
    throw new MailctlError('IMAGE_MISSING', `the image has no manifest ${file}`, {
      hint: 'keep the .squashfs and its .manifest.json side by side',
    });
  }
  return parseImageManifest(text, file);
}

function manifestName(image: string): string {
  if (!image.endsWith(SQUASHFS)) {
    throw new MailctlError('IMAGE_INVALID', `${image} is not named like an image (*${SQUASHFS})`);
  }
  return `${image.slice(0, -SQUASHFS.length)}${MANIFEST}`;
}

function installedImage(paths: Paths, manifest: ImageManifest): Image {
  const folder = join(paths.images, manifest.image_sha256);
  return { sha256: manifest.image_sha256, file: join(folder, 'image.squashfs'), manifest };
}

/** Copies a verified image into the appliance's folder, under its hash. */
async function keep(
  host: Host,
  paths: Paths,
  source: { file: string; manifest: ImageManifest },
): Promise<Image> {
  const image = installedImage(paths, source.manifest);
  const folder = join(paths.images, image.sha256);
  await host.files.makeDirectory(folder, { mode: 0o755 });
  await host.files.copy(source.file, image.file, { mode: 0o644 });
  const manifest = `${JSON.stringify(source.manifest, null, 2)}\n`;
  // written last: a folder without a manifest is an interrupted copy
  await host.files.replace(join(folder, 'manifest.json'), manifest, { mode: 0o644 });
  return image;
}

async function findKept(host: Host, paths: Paths, sha256: string): Promise<Image | null> {
  const text = await host.files.read(join(paths.images, sha256, 'manifest.json'));
  if (text === null) return null;
  return installedImage(paths, parseImageManifest(text, 'manifest.json'));
}

async function takeFile(host: Host, appliance: Appliance, source: Source): Promise<Image> {
  const { paths } = appliance;
  const { place: file } = source;
  if ((await host.files.stat(file)) === null) {
    throw new MailctlError('IMAGE_MISSING', `the image ${file} does not exist`, {
      hint: 'mailctl install --image FILE',
    });
  }
  const manifest = await readManifest(host, manifestName(file));
  checkGiven(manifest, source);
  checkFits(appliance, manifest, file);
  const kept = await findKept(host, paths, manifest.image_sha256);
  if (kept !== null) return kept;
  await checkHash(host, file, manifest, file);
  host.say(`installing the image ${file}`);
  return keep(host, paths, { file, manifest });
}

async function takeUrl(host: Host, appliance: Appliance, source: Source): Promise<Image> {
  const { paths } = appliance;
  const { place: url } = source;
  requireTrust(source);
  const folder = join(paths.images, '.download');
  await host.files.makeDirectory(folder, { mode: 0o700 });
  const manifestFile = join(folder, `image${MANIFEST}`);
  const file = join(folder, `image${SQUASHFS}`);
  try {
    await host.downloads.fetch(manifestName(url), { to: manifestFile, limit: 10_000_000 });
    const manifest = await readManifest(host, manifestFile);
    checkGiven(manifest, source);
    checkFits(appliance, manifest, url);
    const kept = await findKept(host, paths, manifest.image_sha256);
    if (kept !== null) return kept;
    host.say(`fetching ${url} (${formatBytes(manifest.image_bytes)})`);
    await host.downloads.fetch(url, { to: file, limit: SIZE_LIMIT });
    await checkHash(host, file, manifest, url);
    return await keep(host, paths, { file, manifest });
  } finally {
    await host.files.removeTree(folder);
  }
}

async function build(host: Host, appliance: Appliance): Promise<Image> {
  const { settings, paths, shape } = appliance;
  if (!host.programs.exists('mmdebstrap') || !host.programs.exists('mksquashfs')) {
    // OpenWrt has no package of mmdebstrap
    const build = host.programs.exists('apt-get')
      ? '   (or: apt-get install mmdebstrap squashfs-tools)'
      : '';
    throw new MailctlError(
      'IMAGE_MISSING',
      'no image is installed, and this host cannot build one',
      {
        hint: `mailctl install --image FILE|URL${build}`,
      },
    );
  }
  host.say('building the image; this takes a few minutes');
  const folder = join(paths.images, '.build');
  await host.files.makeDirectory(folder, { mode: 0o700 });
  try {
    for (const [path, text] of Object.entries(recipe)) {
      await host.files.makeDirectory(dirname(join(folder, path)), { mode: 0o700 });
      await host.files.replace(join(folder, path), text, { mode: 0o755 });
    }
    const variant = shape?.variant ?? (settings.features.virusScan ? 'antivirus' : 'standard');
    const output = host.files.path(BUILD_CACHE);
    const script = host.files.path(join(folder, 'build'));
    const options = ['--arch', hostArchitecture(), '--variant', variant, '--output', output];
    const { stdout } = await host.programs.run(['sh', script, ...options], {
      timeout: BUILD_LIMIT_MS,
    });
    // the script's last line is the path of the image
    const file = stdout.trim().split('\n').at(-1) ?? '';
    return await takeFile(host, appliance, { place: file, sha256: null });
  } finally {
    await host.files.removeTree(folder);
  }
}

/** The image in use, or null before the first install. */
export async function currentImage(host: Host, paths: Paths): Promise<Image | null> {
  const sha256 = await host.files.readLink(join(paths.images, 'current'));
  return sha256 === null ? null : findKept(host, paths, sha256);
}

/**
 * The wanted image, in this order: `wish` (--image), main.image, the installed one, a new build on this
 * host. Throws IMAGE_MISSING, IMAGE_INVALID.
 */
export async function ensureImage(host: Host, target: Appliance, wish: ImageWish): Promise<Image> {
  const source = wishedSource(target.settings, wish);
  if (source !== null) {
    const isUrl = /^https?:\/\//.test(source.place);
    return isUrl ? takeUrl(host, target, source) : takeFile(host, target, source);
  }
  const installed = await currentImage(host, target.paths);
  if (installed === null) return build(host, target);
  checkFits(target, installed.manifest, 'in use');
  return installed;
}

/** Puts the image in use; the former one stays until `forgetOtherImages`. */
export async function useImage(host: Host, paths: Paths, sha256: string): Promise<void> {
  const link = join(paths.images, 'current');
  if ((await host.files.readLink(link)) !== sha256) await host.files.link(sha256, link);
}

/** Removes all other images. Call it when the image in use has passed its probes. */
export async function forgetOtherImages(host: Host, paths: Paths, sha256: string): Promise<void> {
  for (const name of await host.files.list(paths.images)) {
    if (name !== 'current' && name !== sha256)
      await host.files.removeTree(join(paths.images, name));
  }
}
