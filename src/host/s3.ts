// A bucket of an S3-compatible store, through the AWS SDK. Loaded only where a bucket is used: the SDK is large. Every
// upload carries its MD5, so that the store refuses bytes that were changed on the way.

import { createHash } from 'node:crypto';
import { MailctlError } from '../errors.ts';
import { presentable } from './programs.ts';

export interface BucketOptions {
  readonly bucket: string;
  /** Null for AWS itself. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface BucketObject {
  readonly key: string;
  readonly size: number;
  readonly modified: Date;
}

/** Every method throws PEER_AWAY and PEER_REFUSED. */
export interface Bucket {
  list(prefix: string): Promise<readonly BucketObject[]>;
  /** Its own metadata; null when it is missing. */
  describe(
    key: string,
  ): Promise<{ size: number; metadata: Readonly<Record<string, string>> } | null>;
  /** At most 5 GiB. */
  put(key: string, bytes: Uint8Array, metadata: Readonly<Record<string, string>>): Promise<void>;
  /** Begins an upload in parts, which the store keeps until it is complete; returns its id. */
  beginUpload(key: string, metadata: Readonly<Record<string, string>>): Promise<string>;
  /** Returns the tag by which the part is named in the end. Null: the store has forgotten the upload. */
  putPart(
    key: string,
    part: { id: string; number: number; bytes: Uint8Array },
  ): Promise<string | null>;
  completeUpload(key: string, upload: { id: string; tags: readonly string[] }): Promise<void>;
  /** The bytes [from, to); not more than that, whatever the store sends. */
  read(key: string, range: { from: number; to: number }): AsyncIterable<Uint8Array>;
  remove(keys: readonly string[]): Promise<void>;
}

const CONNECT_MS = 10_000;
const REQUEST_MS = 120_000;
const MAX_OBJECTS = 100_000;

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64');

interface SdkError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The store's words are untrusted, and may quote what was sent. */
function explain({ bucket, accessKey, secretKey }: BucketOptions, error: unknown): MailctlError {
  if (error instanceof MailctlError) return error;
  const { name, message, $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode;
  const text = presentable(message, [secretKey, accessKey], 1);
  if (status === undefined || status >= 500 || status === 429) {
    const why = `bucket s3://${bucket} cannot be reached: ${text}`;
    return new MailctlError('PEER_AWAY', why, { cause: error });
  }
  const what = `bucket s3://${bucket} refuses: ${presentable(name, [], 1)} (${status}) ${text}`;
  return new MailctlError('PEER_REFUSED', what, {
    cause: error,
    hint: 'check bucket, endpoint, region and credentials',
  });
}

async function createClient(options: BucketOptions) {
  const sdk = await import('@aws-sdk/client-s3');
  const { endpoint, region, accessKey: accessKeyId, secretKey: secretAccessKey } = options;
  const client = new sdk.S3Client({
    region,
    credentials: { accessKeyId, secretAccessKey },
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS },
    // other stores do not know the checksums of 2024; the MD5 below is known to all
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return { sdk, client };
}

type Sdk = Awaited<ReturnType<typeof createClient>> & { readonly Bucket: string };

async function list({ sdk, client, Bucket }: Sdk, prefix: string): Promise<BucketObject[]> {
  const found: BucketObject[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new sdk.ListObjectsV2Command({
        Bucket,
        Prefix: prefix,
        ...(token && { ContinuationToken: token }),
      }),
    );
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      if (Key === undefined || Size === undefined || LastModified === undefined) continue;
      found.push({ key: Key, size: Size, modified: LastModified });
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
    if (found.length > MAX_OBJECTS) {
      throw new MailctlError(
        'PEER_REFUSED',
        `s3://${Bucket} lists more than ${MAX_OBJECTS} objects`,
      );
    }
  } while (token !== undefined);
  return found;
}

async function describe({ sdk, client, Bucket }: Sdk, Key: string) {
  try {
    const head = await client.send(new sdk.HeadObjectCommand({ Bucket, Key }));
    return { size: head.ContentLength ?? 0, metadata: head.Metadata ?? {} };
  } catch (error) {
    if ((error as SdkError).$metadata?.httpStatusCode === 404) return null;
    throw error;
  }
}

async function putPart(
  { sdk, client, Bucket }: Sdk,
  Key: string,
  {
    id: UploadId,
    number: PartNumber,
    bytes: Body,
  }: { id: string; number: number; bytes: Uint8Array },
): Promise<string | null> {
  const part = { Bucket, Key, UploadId, PartNumber, Body, ContentMD5: md5(Body) };
  try {
    return (await client.send(new sdk.UploadPartCommand(part))).ETag ?? null;
  } catch (error) {
    if ((error as Error).name === 'NoSuchUpload') return null;
    throw error;
  }
}

async function* read(
  { sdk, client, Bucket }: Sdk,
  Key: string,
  { from, to }: { from: number; to: number },
) {
  if (to <= from) return;
  const Range = `bytes=${from}-${to - 1}`;
  const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key, Range }));
  let left = to - from;
  for await (const piece of (Body ?? []) as AsyncIterable<Uint8Array>) {
    yield piece.subarray(0, left);
    left -= piece.length;
    if (left <= 0) return;
  }
}

/** Removal takes this many keys at once. */
const MAX_REMOVED = 1000;

async function remove({ sdk, client, Bucket }: Sdk, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += MAX_REMOVED) {
    const Objects = keys.slice(at, at + MAX_REMOVED).map((Key) => ({ Key }));
    const { Errors = [] } = await client.send(
      new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
    );
    if (Errors.length === 0) continue;
    const why = presentable(`${Errors[0]?.Key}: ${Errors[0]?.Message}`, [], 1);
    throw new MailctlError('PEER_REFUSED', `s3://${Bucket} refuses to remove ${why}`);
  }
}

export async function openBucket(options: BucketOptions): Promise<Bucket> {
  const { bucket: Bucket } = options;
  const sdk: Sdk = { ...(await createClient(options)), Bucket };
  const { client, sdk: s3 } = sdk;
  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw explain(options, error);
    }
  };
  return {
    list: (prefix) => guarded(list(sdk, prefix)),
    describe: (key) => guarded(describe(sdk, key)),
    put: async (Key, Body, Metadata) => {
      const sent = { Bucket, Key, Body, Metadata, ContentMD5: md5(Body) };
      await guarded(client.send(new s3.PutObjectCommand(sent)));
    },
    beginUpload: async (Key, Metadata) => {
      const upload = new s3.CreateMultipartUploadCommand({ Bucket, Key, Metadata });
      return (await guarded(client.send(upload))).UploadId ?? '';
    },
    putPart: (key, part) => guarded(putPart(sdk, key, part)),
    completeUpload: async (Key, { id: UploadId, tags }) => {
      const Parts = tags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
      const sent = { Bucket, Key, UploadId, MultipartUpload: { Parts } };
      await guarded(client.send(new s3.CompleteMultipartUploadCommand(sent)));
    },
    read: async function* (key, range) {
      try {
        yield* read(sdk, key, range);
      } catch (error) {
        throw explain(options, error);
      }
    },
    remove: (keys) => guarded(remove(sdk, keys)),
  };
}
