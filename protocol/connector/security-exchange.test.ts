import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { concatBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { DecodeError } from '../core/errors.ts';
import { nodeCrypto } from '../core/testing/node-crypto.ts';
import { EncryptionMethod } from '../pdu/gcc-client-data.ts';
import { EncryptionLevel, type ServerSecurityData } from '../pdu/gcc-server-data.ts';
import { fipsKeys, rc4Keys, sessionSecurity, updatedRc4Key } from '../security/standard-keys.ts';
import {
  ALL_ENCRYPTION_METHODS,
  autoReconnectCookie,
  checkServerSecurity,
  decodeSecurityExchange,
  encodeSecurityExchange,
} from './security-exchange.ts';

const hmac = (name: string, key: Uint8Array, data: Uint8Array) =>
  new Uint8Array(createHmac(name, key).update(data).digest());

const crypto: CryptoProvider = { ...nodeCrypto, randomBytes: (length) => new Uint8Array(length) };

const CLIENT_RANDOM = Uint8Array.from({ length: 32 }, (_, i) => i);
const SERVER_RANDOM = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
const { none, bits40, bits56, bits128, fips } = EncryptionMethod;

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

describe('Security Exchange PDU', () => {
  it('decodes and encodes', () => {
    const bytes = hex('0102 0000 04000000 aabbccdd');
    assert.deepEqual(encodeSecurityExchange(hex('aabbccdd')), bytes);
    assert.deepEqual(decodeSecurityExchange(bytes), hex('aabbccdd'));
  });

  it('refuses another PDU, and one that is cut off', () => {
    assert.throws(() => decodeSecurityExchange(hex('4000 0000 04000000 aabbccdd')), DecodeError);
    assert.throws(() => decodeSecurityExchange(hex('0100 0000 05000000 aabbccdd')), DecodeError);
  });
});

describe('what the server may choose', () => {
  const certificate = new Uint8Array(4);
  const choice = (method: number, level: number, change: Partial<ServerSecurityData> = {}): ServerSecurityData => ({
    encryptionMethod: method,
    encryptionLevel: level,
    serverRandom: SERVER_RANDOM,
    serverCertificate: certificate,
    ...change,
  });

  it('one of the methods, with a level', () => {
    for (const method of [bits40, bits56, bits128, fips]) {
      checkServerSecurity(choice(method, EncryptionLevel.high), ALL_ENCRYPTION_METHODS);
    }
    checkServerSecurity({ encryptionMethod: none, encryptionLevel: EncryptionLevel.none }, 0);
  });

  it('nothing else', () => {
    const { high, none: noLevel } = EncryptionLevel;
    for (const [security, offered] of [
      [choice(bits128, high), 0],
      [choice(bits128 | bits56, high), ALL_ENCRYPTION_METHODS],
      [choice(bits40, high), bits128],
      [choice(0x40, high), ALL_ENCRYPTION_METHODS],
      [choice(none, high), ALL_ENCRYPTION_METHODS],
      [choice(bits128, noLevel), ALL_ENCRYPTION_METHODS],
      [choice(bits128, 5), ALL_ENCRYPTION_METHODS],
      [choice(bits128, high, { serverRandom: new Uint8Array(31) }), ALL_ENCRYPTION_METHODS],
    ] as const) {
      assert.throws(() => checkServerSecurity(security, offered), DecodeError);
    }
    const { serverCertificate: _, ...without } = choice(bits128, high);
    assert.throws(() => checkServerSecurity(without, ALL_ENCRYPTION_METHODS), DecodeError);
  });
});

describe('session keys', () => {
  it('are cut to 40 and 56 bits behind their salt, in the same way when they change', () => {
    const strong = rc4Keys(crypto, bits128, CLIENT_RANDOM, SERVER_RANDOM);
    for (const [method, salt] of [
      [bits40, 'd1269e'],
      [bits56, 'd1'],
    ] as const) {
      const weak = rc4Keys(crypto, method, CLIENT_RANDOM, SERVER_RANDOM);
      for (const name of ['macKey', 'clientKey', 'serverKey'] as const) {
        const kept = Buffer.from(strong[name].subarray(salt.length / 2, 8)).toString('hex');
        assert.equal(Buffer.from(weak[name]).toString('hex'), salt + kept, name);
      }
      const next = updatedRc4Key(crypto, method, weak.clientKey, weak.clientKey);
      assert.equal(next.length, 8);
      assert.equal(Buffer.from(next.subarray(0, salt.length / 2)).toString('hex'), salt);
    }
    assert.equal(updatedRc4Key(crypto, bits128, strong.clientKey, strong.clientKey).length, 16);
  });

  it('for FIPS have odd parity, as DES keys do, and one for each direction', () => {
    const { clientKey, serverKey, macKey } = fipsKeys(crypto, CLIENT_RANDOM, SERVER_RANDOM);
    assert.deepEqual([clientKey.length, serverKey.length, macKey.length], [24, 24, 20]);
    assert.notDeepEqual(clientKey, serverKey);
    for (const byte of [...clientKey, ...serverKey]) {
      let ones = 0;
      for (let bits = byte; bits > 0; bits >>= 1) ones += bits & 1;
      assert.equal(ones % 2, 1);
    }
  });

  it('for FIPS are spread as [MS-RDPBCGR] 5.3.5.2 shows it', () => {
    const hashed = concatBytes(hex('d15ec47eda'), new Uint8Array(15));
    const { clientKey } = fipsKeys({ ...crypto, sha1: () => hashed }, CLIENT_RANDOM, SERVER_RANDOM);
    assert.deepEqual(clientKey.subarray(0, 5), hex('513d107626'));
  });

  for (const method of [bits40, bits56, bits128, fips]) {
    it(`open what the other end sealed, method ${method}`, () => {
      const client = sessionSecurity(crypto, method, 'client', CLIENT_RANDOM, SERVER_RANDOM);
      const server = sessionSecurity(crypto, method, 'server', CLIENT_RANDOM, SERVER_RANDOM);
      for (const salted of [false, true]) {
        for (const size of [0, 1, 7, 8, 9, 1000]) {
          const plain = new Uint8Array(size).fill(size);
          const { prefix, data } = client.sealer.seal(plain, salted);
          assert.equal(prefix.length, client.sealer.prefixSize);
          assert.deepEqual(server.opener.open(Uint8Array.of(...prefix, ...data), salted), plain);
        }
      }
      const { prefix, data } = server.sealer.seal(Uint8Array.of(1, 2, 3), false);
      const replayed = Uint8Array.of(...prefix, ...data);
      client.opener.open(replayed, false);
      assert.throws(() => client.opener.open(replayed, false), { name: 'DecodeError', code: 'integrity' });
      assert.throws(() => client.opener.open(new Uint8Array(3), false), DecodeError);
    });
  }
});

describe('the automatic reconnection cookie', () => {
  it('is an HMAC of the client random, which is zeros over TLS', () => {
    const secret = { logonId: 7, randomBits: new Uint8Array(16).fill(5) };
    const cookie = (random: Uint8Array) => ({ logonId: 7, securityVerifier: hmac('md5', secret.randomBits, random) });
    assert.deepEqual(autoReconnectCookie(crypto, secret, CLIENT_RANDOM), cookie(CLIENT_RANDOM));
    assert.deepEqual(autoReconnectCookie(crypto, secret), cookie(new Uint8Array(32)));
  });
});
