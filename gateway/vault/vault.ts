import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { KEY_ID_SIZE, KEY_SIZE, type MasterKey, masterKey, nameOfKey } from './master-key.ts';

/** Before there were data keys: `u8 1, nonce, ciphertext, tag`, by the master key itself. Read, never written. */
const DIRECT = 1;
const VERSION = 2;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;
const WRAPPED_SIZE = NONCE_SIZE + KEY_SIZE + TAG_SIZE;
/** Version and master key's id: what every value that this key has sealed begins with. */
export const PREFIX_SIZE = 1 + KEY_ID_SIZE;
const HEADER_SIZE = PREFIX_SIZE + WRAPPED_SIZE;

/** A sealed secret was altered, moved to another owner, or sealed with another key. */
export class VaultError extends GatewayError {
  constructor(detail: string, options?: { cause?: unknown }) {
    super('secret_altered', detail, options);
  }
}

/**
 * Seals secrets with AES-256-GCM in an envelope: a data key for each secret, wrapped by the master key. Sealed form:
 *
 *     u8 version, 8 bytes id of the master key, wrapped data key (12 bytes nonce, 32 bytes, 16 bytes tag),
 *     12 bytes nonce, ciphertext, 16 bytes tag
 *
 * Authenticated with the data key is what it was wrapped with; with the secret, the id of its owner, so that one that
 * is copied to another row does not open there. While secrets move to a new master key, the vault holds both.
 */
export class Vault {
  readonly #keys = new Map<string, MasterKey>();
  #sealing: MasterKey;

  /** @param key what is sealed with; 32 bytes */
  constructor(key: MasterKey | Uint8Array) {
    this.#sealing = key instanceof Uint8Array ? masterKey(key) : key;
    this.#keys.set(nameOfKey(this.#sealing.id), this.#sealing);
  }

  /** What is sealed from now on, is sealed with this key; the others still open. */
  sealWith(key: MasterKey): void {
    this.alsoOpen(key);
    this.#sealing = key;
  }

  alsoOpen(key: MasterKey): void {
    this.#keys.set(nameOfKey(key.id), key);
  }

  /** The key that is sealed with. */
  get keyId(): Uint8Array {
    return this.#sealing.id;
  }

  seal(secret: string | Uint8Array, ownerId: string): Uint8Array {
    const dataKey = randomBytes(KEY_SIZE);
    try {
      const wrapped = encrypt(this.#sealing.bytes, dataKey, wrapData(this.#sealing.id));
      const body = encrypt(dataKey, secret, secretData(ownerId));
      return Uint8Array.from(Buffer.concat([prefixOf(this.#sealing.id), wrapped, body]));
    } finally {
      dataKey.fill(0);
    }
  }

  /** For what wants text; who can, takes `openBytes`. Throws `VaultError` when anything is not as it was sealed. */
  open(sealed: Uint8Array, ownerId: string): string {
    const bytes = this.openBytes(sealed, ownerId);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    bytes.fill(0);
    return text;
  }

  /** The caller wipes what it gets. Throws `VaultError` when anything about the secret is not as it was sealed. */
  openBytes(sealed: Uint8Array, ownerId: string): Uint8Array {
    if (sealed[0] === DIRECT) return this.#openDirect(sealed, ownerId);
    const dataKey = this.#unwrap(sealed);
    try {
      return decrypt(dataKey, sealed.subarray(HEADER_SIZE), secretData(ownerId));
    } finally {
      dataKey.fill(0);
    }
  }

  /** The same secret with its data key wrapped by the key that is sealed with now. The secret itself stays closed. */
  rewrap(sealed: Uint8Array): Uint8Array {
    const dataKey = this.#unwrap(sealed);
    try {
      const wrapped = encrypt(this.#sealing.bytes, dataKey, wrapData(this.#sealing.id));
      return Uint8Array.from(Buffer.concat([prefixOf(this.#sealing.id), wrapped, sealed.subarray(HEADER_SIZE)]));
    } finally {
      dataKey.fill(0);
    }
  }

  #unwrap(sealed: Uint8Array): Uint8Array {
    if (sealed.length < HEADER_SIZE + NONCE_SIZE + TAG_SIZE) throw new VaultError('the sealed secret is too short');
    if (sealed[0] !== VERSION) throw new VaultError(`unknown version ${sealed[0]} of a sealed secret`);
    const id = sealed.subarray(1, PREFIX_SIZE);
    const key = this.#keys.get(nameOfKey(id));
    if (key === undefined) throw new VaultError(`sealed with master key ${nameOfKey(id)}, which is not here`);
    return decrypt(key.bytes, sealed.subarray(PREFIX_SIZE, HEADER_SIZE), wrapData(key.id));
  }

  #openDirect(sealed: Uint8Array, ownerId: string): Uint8Array {
    if (sealed.length < 1 + NONCE_SIZE + TAG_SIZE) throw new VaultError('the sealed secret is too short');
    let refusal: unknown;
    for (const key of this.#keys.values()) {
      try {
        return decrypt(key.bytes, sealed.subarray(1), `oriel secret v${DIRECT} ${ownerId}`);
      } catch (error) {
        refusal = error;
      }
    }
    throw refusal;
  }
}

/** What a value begins with that was sealed with the master key of that id. */
export function prefixOf(keyId: Uint8Array): Uint8Array {
  return Uint8Array.of(VERSION, ...keyId);
}

/** Whether a value is in the form of before there were data keys. */
export function isDirect(sealed: Uint8Array): boolean {
  return sealed[0] === DIRECT;
}

/** `nonce, ciphertext, tag`. A fresh random nonce each time: no key here sees anywhere near the 2^32 where two could meet. */
export function encrypt(key: Uint8Array, plain: string | Uint8Array, associated: string): Uint8Array {
  const nonce = randomBytes(NONCE_SIZE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(associated, 'utf8'));
  const body = typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain);
  return Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()]);
}

/** Throws `VaultError`. */
export function decrypt(key: Uint8Array, sealed: Uint8Array, associated: string): Uint8Array {
  if (sealed.length < NONCE_SIZE + TAG_SIZE) throw new VaultError('the sealed secret is too short');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_SIZE), { authTagLength: TAG_SIZE });
  decipher.setAAD(Buffer.from(associated, 'utf8'));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_SIZE));
  const plain = decipher.update(sealed.subarray(NONCE_SIZE, sealed.length - TAG_SIZE));
  try {
    decipher.final();
    return plain;
  } catch (error) {
    plain.fill(0);
    throw new VaultError('the sealed secret does not open: altered, or sealed with another key', { cause: error });
  }
}

function wrapData(keyId: Uint8Array): string {
  return `oriel data key v${VERSION} ${nameOfKey(keyId)}`;
}

function secretData(ownerId: string): string {
  return `oriel secret v${VERSION} ${ownerId}`;
}
