import { expect, test } from 'bun:test';
import { hashPassword } from '../../../src/appliance/accounts/password.ts';
import { verifyPassword } from '../../../src/appliance/accounts/verify.ts';

const PASSWORD = 'correct horse';

// made with libxcrypt and Python's hashlib
const HASHES: readonly string[] = [
  '{SHA512-CRYPT}$6$saltstring$.r0X7ub5wGR2v4Xz7svCIozfnlorFh19V89t8KC9Umd81uGhFgsyTRNyzQDXDIm17fFcR9z3z7oBNdsyYBbtm/',
  '{SHA512-CRYPT}$6$rounds=1400$anothersalt$gp.jhVVEo2GxUA5qhmiNgiTBBrSBYUugDhRIwbWlbDlStw5wUyFH38cMwhKHjz/ugoCZlN/P19P4YF04cAVLW.',
  '{SHA256-CRYPT}$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC',
  '{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2',
  '{BLF-CRYPT}$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2',
  '{SSHA512}50rsRNBf8j3I5xE+QwaHdFyMhOzITssZ8BB3UxwQ+SI1JKygYm6ZeRYTDuUyFZIIqDonoTuXwB0Z/MAPhgQCFHNhbHRzYWx0',
  '{SSHA256}YflVcOMs6k7tbGkQbQNVn6/ehAnUAVltiLPKHBWGi2tzYWx0c2FsdA==',
  '{PBKDF2}$1$saltsalt$5000$eea55bb73edfcebda120ce88c5bec0d56f6053e6',
];

test.each(HASHES)('%s opens with its password and no other', async (hash) => {
  expect(await verifyPassword(hash, PASSWORD)).toBe(true);
  expect(await verifyPassword(hash, `${PASSWORD} `)).toBe(false);
});

test('a new hash opens with its password', async () => {
  expect(await verifyPassword(hashPassword(PASSWORD), PASSWORD)).toBe(true);
});

test.each(['', 'plain', '{PLAIN}correct horse', '{constructor}x', '{SSHA512}', '{PBKDF2}$1$'])(
  'the hash %p opens with nothing',
  async (hash) => {
    expect(await verifyPassword(hash, PASSWORD)).toBe(false);
  },
);
