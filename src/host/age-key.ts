// Keys in the format of age (age-encryption.org/v1): X25519 identities and their recipients.

import { MailctlError } from '../errors.ts';

const load = () => import('age-encryption');

export interface AgeKey {
  /** `AGE-SECRET-KEY-1…`: never written to a file of this host. */
  readonly identity: string;
  /** `age1…`: encrypts only. */
  readonly recipient: string;
}

/** X25519 and not the post-quantum kind, which the `age` of Debian 13 cannot read. */
export async function generateAgeKey(): Promise<AgeKey> {
  const { generateX25519Identity, identityToRecipient } = await load();
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** Throws RECOVERY_KEY_WRONG for a text that is no identity; the text is not repeated. */
export async function recipientOf(identity: string): Promise<string> {
  const { identityToRecipient } = await load();
  try {
    return await identityToRecipient(identity);
  } catch (error) {
    // the library's message may quote the key, so it is not passed on as cause
    if (!(error instanceof Error)) throw error;
    throw new MailctlError('RECOVERY_KEY_WRONG', 'the recovery key has a typing error', {
      hint: 'compare it with the sheet: the last characters are a checksum of the whole key',
    });
  }
}
