// The manifest of an image, written by lxc-template/build: its kind, hash, origin and packages.

import { MailctlError } from '../../errors.ts';

const IMAGE_VARIANTS = ['standard', 'antivirus', 'web'] as const;
const IMAGE_ARCHITECTURES = ['amd64', 'arm64'] as const;

/** Field names as in the file, so that `JSON.stringify` writes a manifest. */
export interface ImageManifest {
  readonly v: 1;
  readonly variant: (typeof IMAGE_VARIANTS)[number];
  readonly architecture: (typeof IMAGE_ARCHITECTURES)[number];
  /** Debian's major version. */
  readonly debian: string;
  /** SHA-256, lower-case hexadecimal. */
  readonly recipe_sha256: string;
  readonly image_sha256: string;
  readonly image_bytes: number;
  readonly created_from: ImageOrigin;
  /** Package → version, for every package with a file in the image. */
  readonly packages: Readonly<Record<string, string>>;
}

export interface ImageOrigin {
  readonly suite: string;
  readonly point_release: string;
  /** Unix time in seconds of the newest package; mtime of every file in the image. */
  readonly source_date_epoch: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Ignores unknown fields. Throws IMAGE_INVALID with `source` and the invalid field. */
export function parseImageManifest(text: string, source: string): ImageManifest {
  const fields = parseJson(text, source);
  const reader = fieldReader(source);
  if (fields.v !== 1) {
    throw reader.wrong('v', fields.v, '1, the only version this mailctl knows');
  }
  const origin = reader.record(fields, 'created_from');
  return {
    v: 1,
    variant: reader.choice(fields, 'variant', IMAGE_VARIANTS),
    architecture: reader.choice(fields, 'architecture', IMAGE_ARCHITECTURES),
    debian: reader.text(fields, 'debian', /^\d{1,3}$/),
    recipe_sha256: reader.text(fields, 'recipe_sha256', SHA256),
    image_sha256: reader.text(fields, 'image_sha256', SHA256),
    image_bytes: reader.count(fields, 'image_bytes'),
    created_from: {
      suite: reader.text(origin, 'suite', WORD),
      point_release: reader.text(origin, 'point_release', WORD),
      source_date_epoch: reader.count(origin, 'source_date_epoch'),
    },
    packages: readPackages(reader, reader.record(fields, 'packages')),
  };
}

const SHA256 = /^[0-9a-f]{64}$/;
const WORD = /^[\w.+~/-]{1,64}$/;
// Debian policy 5.6.1 and 5.6.12
const PACKAGE = /^[a-z0-9][a-z0-9.+-]{1,127}$/;
const VERSION = /^[\w.+~:-]{1,128}$/;

function parseJson(text: string, source: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MailctlError('IMAGE_INVALID', `${source} is not a manifest: it is not JSON`, {
      cause,
    });
  }
  if (isRecord(value)) return value;
  throw new MailctlError('IMAGE_INVALID', `${source} is not a manifest: it is not a JSON object`);
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type FieldReader = ReturnType<typeof fieldReader>;

function fieldReader(source: string) {
  const wrong = (name: string, value: unknown, expected: string) => {
    const shown = value === undefined ? 'missing' : JSON.stringify(value).slice(0, 80);
    return new MailctlError(
      'IMAGE_INVALID',
      `${source}: ${name} is ${shown}; expected ${expected}`,
      { hint: 'use the manifest that was built with the image' },
    );
  };
  return {
    wrong,
    text(fields: Fields, name: string, pattern: RegExp): string {
      const value = fields[name];
      if (typeof value === 'string' && pattern.test(value)) return value;
      throw wrong(name, value, `text like ${pattern.source}`);
    },
    choice<T extends string>(fields: Fields, name: string, choices: readonly T[]): T {
      const found = choices.find((choice) => choice === fields[name]);
      if (found !== undefined) return found;
      throw wrong(name, fields[name], choices.join(' or '));
    },
    count(fields: Fields, name: string): number {
      const value = fields[name];
      if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
      throw wrong(name, value, 'a whole number above 0');
    },
    record(fields: Fields, name: string): Fields {
      const value = fields[name];
      if (isRecord(value)) return value;
      throw wrong(name, value, 'an object');
    },
  };
}

function readPackages(reader: FieldReader, fields: Fields): Readonly<Record<string, string>> {
  const names = Object.keys(fields);
  for (const name of names) {
    if (!PACKAGE.test(name)) throw reader.wrong('packages', name, 'names of Debian packages');
  }
  if (names.length === 0) throw reader.wrong('packages', fields, 'at least one package');
  return Object.fromEntries(names.map((name) => [name, reader.text(fields, name, VERSION)]));
}
