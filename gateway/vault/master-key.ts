import { hkdfSync } from 'node:crypto';
import { argon2id } from '../access/passwords.ts';

export const KEY_SIZE = 32;
/** Of a key's name, which sealed values carry. */
export const KEY_ID_SIZE = 8;

/** Where the master key comes from. */
export const keySources = ['file', 'environment', 'passphrase'] as const;
export type KeySource = (typeof keySources)[number];

/** The key that every data key is wrapped with, and its name. */
export interface MasterKey {
  /** 8 bytes, derived from the key: says which key it is and nothing about it. */
  readonly id: Uint8Array;
  /** 32 bytes */
  readonly bytes: Uint8Array;
}

/** How a key is made of a passphrase; no secret. */
export interface PassphraseParameters {
  /** base64 */
  readonly salt: string;
  /** KiB */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** The gateway cannot get at its master key. The message is for whoever starts it. */
export class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError';
}

/** 64 MiB and 3 passes: the second recommendation of RFC 9106, for a key that is derived once a start. */
export const PASSPHRASE_COST = { memory: 65536, passes: 3, parallelism: 4 } as const;
export const MIN_PASSPHRASE = 12;

export function masterKey(bytes: Uint8Array): MasterKey {
  if (bytes.length !== KEY_SIZE) throw new MasterKeyError(`the master key has ${bytes.length} bytes, not ${KEY_SIZE}`);
  const id = new Uint8Array(hkdfSync('sha256', bytes, '', 'oriel master key id', KEY_ID_SIZE));
  return { id, bytes: Uint8Array.from(bytes) };
}

/** A key as a file or a variable has it: 32 bytes in base64. @param where for the error */
export function parseMasterKey(text: string, where: string): MasterKey {
  const bytes = Buffer.from(text.trim(), 'base64');
  if (bytes.length !== KEY_SIZE || !/^[A-Za-z0-9+/]{43}=?$/.test(text.trim())) {
    throw new MasterKeyError(`${where} does not hold ${KEY_SIZE} bytes in base64`);
  }
  const key = masterKey(bytes);
  bytes.fill(0);
  return key;
}

/** argon2id. @param passphrase UTF-8; is the caller's to wipe */
export async function keyOfPassphrase(passphrase: Uint8Array, parameters: PassphraseParameters): Promise<MasterKey> {
  const { salt, memory, passes, parallelism } = parameters;
  const bytes = await argon2id(passphrase, Buffer.from(salt, 'base64'), memory, passes, parallelism);
  const key = masterKey(bytes);
  bytes.fill(0);
  return key;
}

export function nameOfKey(id: Uint8Array): string {
  return Buffer.from(id).toString('hex');
}
