import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const VERSION = 1;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;
const HEADER_SIZE = 1 + NONCE_SIZE;
export const KEY_SIZE = 32;

/** A sealed secret was altered, moved to another owner, or sealed with another key. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
}

/**
 * Seals secrets with AES-256-GCM. Sealed form: `u8 version, 12 bytes nonce, ciphertext, 16 bytes tag`. The version and
 * the owner's id are authenticated with it, so that a secret copied to another account's row does not open there.
 */
export class Vault {
  readonly #key: Uint8Array;

  /** @param key 32 bytes */
  constructor(key: Uint8Array) {
    if (key.length !== KEY_SIZE) throw new VaultError(`the key has ${key.length} bytes, not ${KEY_SIZE}`);
    this.#key = Uint8Array.from(key);
  }

  seal(secret: string, ownerId: string): Uint8Array {
    // A fresh random nonce per secret: one key seals far fewer than the 2^32 where two could meet.
    const nonce = randomBytes(NONCE_SIZE);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(associatedData(ownerId));
    const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Uint8Array.from(Buffer.concat([Uint8Array.of(VERSION), nonce, body, cipher.getAuthTag()]));
  }

  /** Throws `VaultError` when anything about the secret is not as it was sealed. */
  open(sealed: Uint8Array, ownerId: string): string {
    if (sealed.length < HEADER_SIZE + TAG_SIZE) throw new VaultError('the sealed secret is too short');
    if (sealed[0] !== VERSION) throw new VaultError(`unknown version ${sealed[0]} of a sealed secret`);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(1, HEADER_SIZE), {
      authTagLength: TAG_SIZE,
    });
    decipher.setAAD(associatedData(ownerId));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_SIZE));
    try {
      const body = sealed.subarray(HEADER_SIZE, sealed.length - TAG_SIZE);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
    } catch (error) {
      throw new VaultError('the sealed secret does not open: altered, or sealed with another key', { cause: error });
    }
  }
}

function associatedData(ownerId: string): Buffer {
  return Buffer.from(`oriel secret v${VERSION} ${ownerId}`, 'utf8');
}
