// The credentials of a bucket, in the form of the AWS tools' own file. The file must be root's alone.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';

export interface BucketCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

const ACCESS = 'aws_access_key_id';
const SECRET = 'aws_secret_access_key';
const FORM = `expected two lines: ${ACCESS} = …, ${SECRET} = …`;

/** Null when one of them is missing or there twice. */
export function parseCredentials(text: string): BucketCredentials | null {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    if (values.has(name)) return null;
    values.set(name, value);
  }
  const [accessKey, secretKey] = [values.get(ACCESS), values.get(SECRET)];
  return accessKey === undefined || secretKey === undefined ? null : { accessKey, secretKey };
}

/** Throws DATA_INVALID for a file that others can read, or that is not understood. */
export async function readBucketCredentials(host: Host, path: string): Promise<BucketCredentials> {
  const stat = await host.files.stat(path);
  const text = await host.files.read(path);
  if (stat === null || text === null) {
    throw new MailctlError('DATA_INVALID', `the credentials file ${path} is missing: ${FORM}`);
  }
  if (stat.kind !== 'file' || (stat.mode & 0o077) !== 0) {
    const mode = stat.mode.toString(8).padStart(3, '0');
    throw new MailctlError('DATA_INVALID', `the credentials file ${path} has the mode ${mode}`, {
      hint: `chmod 600 ${path}`,
    });
  }
  const found = parseCredentials(text);
  if (found !== null) return found;
  throw new MailctlError('DATA_INVALID', `the credentials file ${path} is not understood: ${FORM}`);
}
