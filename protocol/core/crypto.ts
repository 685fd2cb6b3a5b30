/**
 * What the protocol needs of a cryptography library. Injected, so that `protocol/` has no dependency and no
 * randomness of its own; the gateway passes one built on Node's `crypto`. MD4 and RC4, which OpenSSL 3 and
 * Web Crypto no longer offer, live in `protocol/security`.
 */
export interface CryptoProvider {
  randomBytes(length: number): Uint8Array;
  md5(data: Uint8Array): Uint8Array;
  sha1(data: Uint8Array): Uint8Array;
  sha256(data: Uint8Array): Uint8Array;
  hmacMd5(key: Uint8Array, data: Uint8Array): Uint8Array;
  hmacSha1(key: Uint8Array, data: Uint8Array): Uint8Array;
  /**
   * Triple DES in CBC mode, without padding: FIPS encryption of standard RDP security.
   * @param key 24 bytes
   * @returns takes whole blocks of 8 bytes; the chain goes on from call to call
   */
  tripleDesCbc(direction: 'encrypt' | 'decrypt', key: Uint8Array, iv: Uint8Array): (blocks: Uint8Array) => Uint8Array;
}
