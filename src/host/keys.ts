// Generates private keys, secrets and serial numbers.

import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

/**
 * A private RSA key, generated off the main thread. With 2048 bits: 50 ms on a PC, a second on a router; with 4096 ten
 * times as long.
 */
export async function generateRsaKey(bits = 2048): Promise<KeyObject> {
  return (await generate('rsa', { modulusLength: bits })).privateKey;
}

export async function generateEd25519Key(): Promise<KeyObject> {
  return (await generate('ed25519')).privateKey;
}

/** A private ECDSA key on P-256, which all current mail programs support. */
export async function generateEcKey(): Promise<KeyObject> {
  return (await generate('ec', { namedCurve: 'prime256v1' })).privateKey;
}

/** `bytes` random bytes, hex. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

/** A secret of 192 bits in letters, digits, `-` and `_`, which needs no quoting in configuration files. */
export function generateSecret(): string {
  return randomBytes(24).toString('base64url');
}
