import { randomInt } from 'node:crypto';

/** No vowels and no look-alikes, so that an id is neither a word nor misread. */
const ALPHABET = '23456789bcdfghjkmnpqrstvwxyz';
const ID_LENGTH = 14;

/** The shape of every id, for the API's schemas. */
export const ID_PATTERN = `^[${ALPHABET}]{${ID_LENGTH}}$`;

/** A short random id: 67 bits, enough that none is met twice or guessed. */
export function newId(): string {
  let id = '';
  for (let i = 0; i < ID_LENGTH; i++) id += ALPHABET[randomInt(ALPHABET.length)];
  return id;
}
