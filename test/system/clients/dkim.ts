// An independent check of DKIM, SPF and ARC: mailauth with the test network's DNS only.

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

/** How the receiver got the message; of no matter for DKIM. */
interface Arrival {
  client: string;
  helo: string;
  /** the envelope sender */
  from: string;
}

const ANY: Arrival = { client: '198.51.100.1', helo: 'verifier.outside.test', from: '' };

const check = (dns: Names, message: string, { client, helo, from }: Arrival) =>
  authenticate(Buffer.from(message, 'latin1'), {
    trustReceived: false,
    ip: client,
    helo,
    sender: from,
    disableDmarc: true,
    disableBimi: true,
    resolver: (name: string, type: string) => resolve(dns, name, type),
  });

/** One entry for each signature, in the order of the header. */
export async function verifyDkim(dns: Names, message: string): Promise<DkimResult[]> {
  const { dkim } = await check(dns, message, ANY);
  return dkim.results.map((signature) => ({
    result: signature.status.result,
    domain: signature.signingDomain ?? '',
    selector: signature.selector ?? '',
  }));
}

/** What a receiver finds: SPF of the envelope sender, the ARC chain and the results that it quotes. */
export async function verifyForward(dns: Names, message: Arrival & { raw: string }) {
  const { spf, arc } = await check(dns, message.raw, message);
  if (spf === false || arc === false) throw new Error('the verifier did not check SPF and ARC');
  const { authenticationResults: quoted, signature } = arc;
  return {
    spf: { result: spf.status.result, domain: spf.domain },
    arc: {
      result: arc.status.result,
      instance: arc.i,
      domain: signature ? signature.signingDomain : null,
    },
    quoted,
  };
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
