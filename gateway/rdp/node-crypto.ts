import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import type { CryptoProvider } from '#protocol/core/crypto.ts';

/** What `protocol/` needs of cryptography, by Node's OpenSSL. */
export const nodeCrypto: CryptoProvider = {
  randomBytes: (length) => plain(randomBytes(length)),
  md5: (data) => plain(createHash('md5').update(data).digest()),
  sha1: (data) => plain(createHash('sha1').update(data).digest()),
  sha256: (data) => plain(createHash('sha256').update(data).digest()),
  hmacMd5: (key, data) => plain(createHmac('md5', key).update(data).digest()),
  hmacSha1: (key, data) => plain(createHmac('sha1', key).update(data).digest()),
  tripleDesCbc: (direction, key, iv) => {
    const create = direction === 'encrypt' ? createCipheriv : createDecipheriv;
    const cipher = create('des-ede3-cbc', key, iv).setAutoPadding(false);
    return (blocks) => plain(cipher.update(blocks));
  },
};

/** A `Buffer` may be a view of Node's shared pool, and slices differently; `protocol/` knows plain arrays only. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer);
}
