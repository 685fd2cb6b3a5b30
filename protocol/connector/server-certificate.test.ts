import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { CryptoProvider } from '../core/crypto.ts';
import { DecodeError } from '../core/errors.ts';
import {
  decodeServerCertificate,
  decryptByServer,
  encodeProprietaryCertificate,
  encryptForServer,
  type RsaPrivateKey,
} from './server-certificate.ts';

const crypto = { md5: (data: Uint8Array) => new Uint8Array(createHash('md5').update(data).digest()) } as CryptoProvider;

function newKey(bits: number): RsaPrivateKey {
  const jwk = generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ format: 'jwk' });
  const big = (text: string | undefined) => BigInt(`0x${Buffer.from(text ?? '', 'base64url').toString('hex')}`);
  return { modulus: big(jwk.n), exponent: big(jwk.e), privateExponent: big(jwk.d), size: bits / 8 };
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

describe('a server certificate of our own', () => {
  const key = newKey(1024);
  const certificate = encodeProprietaryCertificate(key, crypto);

  it('holds the public key', () => {
    const { modulus, exponent, size } = decodeServerCertificate(certificate);
    assert.deepEqual({ modulus, exponent, size }, { modulus: key.modulus, exponent: key.exponent, size: 128 });
  });

  it('is signed as [MS-RDPBCGR] 5.3.3.1.2 has it', () => {
    // [MS-RDPBCGR] 5.3.3.1.1: the public half of the key that everybody has.
    const signingExponent = 0xc0887b5bn;
    const signingModulus = littleEndian(
      Uint8Array.from(
        Buffer.from(
          '3d3a5ebd72433ec94dbbc11e4aba5fcb3e882087eff5c1e2d7b76b9af2524595' +
            'ce63656b583afeef7ce7bffe3df65c7d6c5e06091af561bb2093095f056dea87',
          'hex',
        ),
      ),
    );
    const signed = certificate.subarray(0, -76);
    const signature = certificate.subarray(-72, -8);
    assert.deepEqual(certificate.subarray(-8), new Uint8Array(8));
    const digest = power(littleEndian(signature), signingExponent, signingModulus);
    const expected = new Uint8Array(63).fill(0xff);
    expected.set(crypto.md5(signed));
    expected[16] = 0;
    expected[62] = 1;
    assert.equal(digest, littleEndian(expected));
  });

  it('is what clients encrypt their random for', () => {
    const random = new Uint8Array(randomBytes(32));
    const encrypted = encryptForServer(random, decodeServerCertificate(certificate));
    assert.equal(encrypted.length, 128 + 8);
    assert.deepEqual(decryptByServer(encrypted, key, 32), random);
  });

  it('tells what was not encrypted for it, and what is too long', () => {
    assert.throws(() => decryptByServer(new Uint8Array(136).fill(7), key, 32), DecodeError);
    assert.throws(() => decryptByServer(new Uint8Array(137), key, 32), DecodeError);
  });
});
