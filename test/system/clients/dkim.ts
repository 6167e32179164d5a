// An independent check of DKIM signatures: mailauth with the test network's DNS only.

import { authenticate } from 'mailauth';
import type { LabDns } from '../lab/dns.ts';

/** The DNS that has the keys. */
type Names = Pick<LabDns, 'lookup'>;

export interface DkimResult {
  /** `pass`, `fail`, `neutral`, `permerror`, … */
  result: string;
  domain: string;
  selector: string;
}

/** One entry for each signature, in the order of the header. */
export async function verifyDkim(dns: Names, message: string): Promise<DkimResult[]> {
  const { dkim } = await authenticate(Buffer.from(message, 'latin1'), {
    trustReceived: false,
    ip: '198.51.100.1',
    helo: 'verifier.outside.test',
    sender: '',
    disableArc: true,
    disableDmarc: true,
    disableBimi: true,
    resolver: (name: string, type: string) => resolve(dns, name, type),
  });
  return dkim.results.map((signature) => ({
    result: signature.status.result,
    domain: signature.signingDomain ?? '',
    selector: signature.selector ?? '',
  }));
}

async function resolve(dns: Names, name: string, type: string): Promise<string[] | string[][]> {
  const values = await dns.lookup(name.endsWith('.') ? name : `${name}.`, type);
  if (values.length === 0)
    throw Object.assign(new Error(`no ${type} of ${name}`), { code: 'ENOTFOUND' });
  if (type !== 'TXT') return values;
  return values.map((value) =>
    [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((part) => part[1] ?? ''),
  );
}
