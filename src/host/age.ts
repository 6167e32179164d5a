// The age file format (age-encryption.org/v1), by the library `age-encryption`.

import { Decrypter, Encrypter } from 'age-encryption';
import { MailctlError } from '../errors.ts';

/** Encrypts a stream to recipients (`age1…`). */
export async function encryptAge(
  plain: ReadableStream<Uint8Array>,
  recipients: readonly string[],
): Promise<ReadableStream<Uint8Array>> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter.encrypt(plain);
}

/**
 * Decrypts a stream with identities (`AGE-SECRET-KEY-1…`); reading the result fails where the stream was changed.
 * Throws RECOVERY_KEY_WRONG when none fits, ARCHIVE_INVALID when there is no intact header.
 */
export async function decryptAge(
  sealed: ReadableStream<Uint8Array>,
  identities: readonly string[],
): Promise<ReadableStream<Uint8Array>> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decrypt(sealed);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('no identity matched')) {
      throw new MailctlError('RECOVERY_KEY_WRONG', 'the recovery key does not open this archive', {
        hint: 'use the key that was in use when the backup was made',
      });
    }
    throw new MailctlError('ARCHIVE_INVALID', 'the archive is damaged: it has no intact header', {
      cause: error,
    });
  }
}
