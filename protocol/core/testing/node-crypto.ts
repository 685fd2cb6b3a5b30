import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import type { CryptoProvider } from '../crypto.ts';

/** Node's cryptography, for tests of `protocol/`. */
export const nodeCrypto: CryptoProvider = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  md5: (data) => new Uint8Array(createHash('md5').update(data).digest()),
  sha1: (data) => new Uint8Array(createHash('sha1').update(data).digest()),
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  hmacMd5: (key, data) => new Uint8Array(createHmac('md5', key).update(data).digest()),
  hmacSha1: (key, data) => new Uint8Array(createHmac('sha1', key).update(data).digest()),
  tripleDesCbc: (direction, key, iv) => {
    const create = direction === 'encrypt' ? createCipheriv : createDecipheriv;
    const cipher = create('des-ede3-cbc', key, iv).setAutoPadding(false);
    return (blocks) => new Uint8Array(cipher.update(blocks));
  },
};
