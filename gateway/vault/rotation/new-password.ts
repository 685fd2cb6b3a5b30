import { randomInt } from 'node:crypto';
import { Secret } from '../secret.ts';

/** Letters and digits that are not taken for others, and signs that no shell or prompt minds. */
const CLASSES = ['abcdefghijkmnopqrstuvwxyz', 'ABCDEFGHJKLMNPQRSTUVWXYZ', '23456789', '-_.+=%@'] as const;
export const MIN_LENGTH = 12;
export const MAX_LENGTH = 128;

/** A password nobody has to type, with some of each class. */
export function newPassword(length: number): Secret {
  const all = CLASSES.join('');
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = pick(CLASSES[i] ?? all);
  for (let i = length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    const kept = bytes[i] ?? 0;
    bytes[i] = bytes[j] ?? 0;
    bytes[j] = kept;
  }
  return new Secret(bytes);
}

function pick(alphabet: string): number {
  return alphabet.charCodeAt(randomInt(alphabet.length));
}
