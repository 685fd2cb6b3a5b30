import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { describe, it } from 'node:test';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { nodeCrypto } from '../core/testing/node-crypto.ts';
import { encodeUtf16le } from '../core/text.ts';
import { decodeLicenseMessage, type LicenseMessage, VALID_CLIENT_ALERT } from '../pdu/licensing.ts';
import { ConnectError } from './connect-error.ts';
import { LicenseExchange, licenseUserData } from './license-exchange.ts';
import { LicenseKeys } from './license-keys.ts';
import { decodeServerCertificate, encryptForServer } from './server-certificate.ts';

const KEY = generateKeyPairSync('rsa', { modulusLength: 1024 });
const MODULUS = new Uint8Array(Buffer.from(KEY.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url'));
const SERVER_RANDOM = new Uint8Array(32).fill(0x5a);
const CLIENT = { userName: 'alice', machineName: 'oriel' };

/** [MS-RDPBCGR] 2.2.1.4.3.1.1, without a signature that anybody checks. */
function proprietaryCertificate(): Uint8Array {
  const blobSize = 20 + MODULUS.length + 8;
  const cursor = new WriteCursor(16 + blobSize + 4 + 72);
  cursor.u32(1); // dwVersion
  cursor.u32(1); // dwSigAlgId
  cursor.u32(1); // dwKeyAlgId
  cursor.u16(6); // wPublicKeyBlobType
  cursor.u16(blobSize);
  cursor.u32(0x31415352);
  cursor.u32(MODULUS.length + 8);
  cursor.u32(MODULUS.length * 8);
  cursor.u32(MODULUS.length - 1);
  cursor.u32(65537);
  cursor.bytes(MODULUS.toReversed());
  cursor.zeros(8);
  cursor.u16(8); // wSignatureBlobType
  cursor.u16(72);
  cursor.zeros(72);
  return cursor.finish();
}

/** [MS-RDPBCGR] 2.2.1.4.3.1.2: a chain whose one certificate has only the fields up to the public key. */
function chain(): Uint8Array {
  const der = (tag: number, ...parts: Uint8Array[]): Uint8Array => {
    const contents = concatBytes(...parts);
    return concatBytes(Uint8Array.of(tag, 0x82, contents.length >> 8, contents.length & 0xff), contents);
  };
  const key = new Uint8Array(KEY.publicKey.export({ format: 'der', type: 'spki' }));
  const nothing = der(0x30);
  const certificate = der(0x30, der(0x30, der(0x02, Uint8Array.of(1)), nothing, nothing, nothing, nothing, key));
  const cursor = new WriteCursor(12 + certificate.length + 16);
  cursor.u32(0x80000002); // a temporary one
  cursor.u32(1);
  cursor.u32(certificate.length);
  cursor.bytes(certificate);
  cursor.zeros(16);
  return cursor.finish();
}

function message(type: number, ...parts: Uint8Array[]): Uint8Array {
  const body = concatBytes(...parts);
  return concatBytes(Uint8Array.of(type, 3, (body.length + 4) & 0xff, (body.length + 4) >> 8), body);
}

function blob(type: number, data: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(type, 0, data.length & 0xff, data.length >> 8), data);
}

function counted(text: string): Uint8Array {
  const data = encodeUtf16le(`${text}\0`);
  return concatBytes(Uint8Array.of(data.length, 0, 0, 0), data);
}

function licenseRequest(certificate: Uint8Array): Uint8Array {
  return message(
    1,
    SERVER_RANDOM,
    Uint8Array.of(0, 0, 6, 0),
    counted('Some Company'),
    counted('A02'),
    blob(0x0d, Uint8Array.of(1, 0, 0, 0)),
    blob(3, certificate),
    Uint8Array.of(1, 0, 0, 0),
    blob(0x0e, Uint8Array.of(0x78, 0)),
  );
}

/** What the server reads in one of our messages. */
function read(userData: Uint8Array | undefined): LicenseMessage {
  assert.ok(userData !== undefined);
  assert.deepEqual(userData.subarray(0, 4), Uint8Array.of(0x80, 0, 0, 0));
  return decodeLicenseMessage(new ReadCursor(userData, 'test', 4));
}

/** The server's keys, from what it decrypts by Node's RSA. */
function serverKeys(request: LicenseMessage): LicenseKeys {
  assert.ok(request.kind === 'newLicenseRequest');
  const { encryptedPremasterSecret, clientRandom } = request;
  assert.equal(encryptedPremasterSecret.length, MODULUS.length + 8);
  const encrypted = encryptedPremasterSecret.subarray(0, MODULUS.length).toReversed();
  const plain = privateDecrypt({ key: KEY.privateKey, padding: constants.RSA_NO_PADDING }, encrypted);
  const premaster = new Uint8Array(plain).toReversed().subarray(0, 48);
  return new LicenseKeys(nodeCrypto, premaster, clientRandom, SERVER_RANDOM);
}

describe('LicenseExchange', () => {
  it('is let in by a Valid Client alert', () => {
    const body = licenseUserData(VALID_CLIENT_ALERT).subarray(4);
    assert.deepEqual(new LicenseExchange(CLIENT, nodeCrypto).receive(body), { done: true });
  });

  for (const [name, certificate] of [
    ['proprietary certificate', proprietaryCertificate()],
    ['certificate chain', chain()],
  ] as const) {
    it(`gets a new licence: request, challenge, licence (${name})`, () => {
      const exchange = new LicenseExchange(CLIENT, nodeCrypto);
      const asked = exchange.receive(licenseRequest(certificate));
      assert.equal(asked.done, false);
      const request = read(asked.send);
      assert.ok(request.kind === 'newLicenseRequest');
      assert.equal(request.userName, 'alice');
      assert.equal(request.machineName, 'oriel');
      const keys = serverKeys(request);

      const challenge = new TextEncoder().encode('TEST\0');
      const answered = exchange.receive(
        message(2, new Uint8Array(4), blob(9, keys.crypt(challenge)), keys.mac(challenge)),
      );
      assert.equal(answered.done, false);
      const response = read(answered.send);
      assert.ok(response.kind === 'platformChallengeResponse');
      const plain = keys.crypt(response.encryptedResponse);
      const hardwareId = keys.crypt(response.encryptedHardwareId);
      assert.deepEqual(plain, concatBytes(Uint8Array.of(0, 1, 0, 0xff, 3, 0, 5, 0), challenge));
      assert.equal(hardwareId.length, 20);
      assert.deepEqual(response.mac, keys.mac(concatBytes(plain, hardwareId)));

      const license = new TextEncoder().encode('a licence');
      assert.deepEqual(exchange.receive(message(3, blob(9, keys.crypt(license)), keys.mac(license))), { done: true });
    });
  }

  it('names the same hardware each time, and that of this installation where it is told of it', () => {
    const hardwareId = new Uint8Array(16).fill(7);
    const clients = [CLIENT, CLIENT, { ...CLIENT, hardwareId }];
    const ids = clients.map((client) => {
      const exchange = new LicenseExchange(client, nodeCrypto);
      const keys = serverKeys(read(exchange.receive(licenseRequest(proprietaryCertificate())).send));
      const challenge = message(2, new Uint8Array(4), blob(9, keys.crypt(SERVER_RANDOM)), keys.mac(SERVER_RANDOM));
      const response = read(exchange.receive(challenge).send);
      assert.ok(response.kind === 'platformChallengeResponse');
      return keys.crypt(response.encryptedHardwareId);
    });
    assert.deepEqual(ids[0], ids[1]);
    // Behind the platform.
    assert.deepEqual(ids[2], concatBytes(ids[0]?.subarray(0, 4) ?? assert.fail(), hardwareId));
    assert.notDeepEqual(ids[0], ids[2]);
  });

  it('refuses a challenge or a licence that was tampered with', () => {
    const exchange = new LicenseExchange(CLIENT, nodeCrypto);
    const keys = serverKeys(read(exchange.receive(licenseRequest(proprietaryCertificate())).send));
    const wrong = keys.mac(Uint8Array.of(1));
    const isIntegrity = (error: unknown) => error instanceof DecodeError && error.code === 'integrity';
    assert.throws(() => exchange.receive(message(2, new Uint8Array(4), blob(9, SERVER_RANDOM), wrong)), isIntegrity);
    assert.throws(() => exchange.receive(message(4, blob(9, SERVER_RANDOM), wrong)), isIntegrity);
  });

  it('starts over, or says again what it said, when the server asks for that', () => {
    const alert = (transition: number) =>
      message(0xff, Uint8Array.of(3, 0, 0, 0, transition, 0, 0, 0), blob(4, new Uint8Array(0)));
    const exchange = new LicenseExchange(CLIENT, nodeCrypto);
    const { send } = exchange.receive(licenseRequest(proprietaryCertificate()));
    assert.deepEqual(exchange.receive(alert(4)), { done: false, send });
    assert.deepEqual(exchange.receive(alert(3)), { done: false });
    const again = read(exchange.receive(licenseRequest(proprietaryCertificate())).send);
    assert.equal(again.kind, 'newLicenseRequest');
    // Nothing was said yet that could be said again.
    assert.throws(() => new LicenseExchange(CLIENT, nodeCrypto).receive(alert(4)), ConnectError);
  });

  it('takes an alert that ends before its blob', () => {
    const alert = message(0xff, Uint8Array.of(7, 0, 0, 0, 2, 0, 0, 0));
    assert.deepEqual(new LicenseExchange(CLIENT, nodeCrypto).receive(alert), { done: true });
  });

  it('licensing_failed: the server refuses, or asks for what cannot be', () => {
    const refuse = (body: Uint8Array) => {
      assert.throws(
        () => new LicenseExchange(CLIENT, nodeCrypto).receive(body),
        (error) => error instanceof ConnectError && error.code === 'licensing_failed',
      );
    };
    refuse(message(0xff, Uint8Array.of(6, 0, 0, 0, 1, 0, 0, 0), blob(4, new Uint8Array(0)))); // no licence server, abort
    refuse(licenseRequest(new Uint8Array(0)));
    refuse(message(2, new Uint8Array(4), blob(9, SERVER_RANDOM), new Uint8Array(16)));
    refuse(message(0x77));
  });
});

describe('SERVER_CERTIFICATE', () => {
  it('encrypts as Node decrypts, whatever the message', () => {
    const key = decodeServerCertificate(proprietaryCertificate());
    for (const text of [Uint8Array.of(1), new Uint8Array(48).fill(0xff), new Uint8Array(MODULUS.length)]) {
      const encrypted = encryptForServer(text, key);
      assert.deepEqual(encrypted.subarray(MODULUS.length), new Uint8Array(8));
      const big = encrypted.subarray(0, MODULUS.length).toReversed();
      const plain = privateDecrypt({ key: KEY.privateKey, padding: constants.RSA_NO_PADDING }, big);
      assert.deepEqual(new Uint8Array(plain).toReversed().subarray(0, text.length), text);
    }
  });

  it('refuses versions, magics and sizes that there are none of', () => {
    const damage = (offset: number, value: number) => {
      const bytes = proprietaryCertificate();
      bytes[offset] = value;
      assert.throws(() => decodeServerCertificate(bytes), DecodeError);
    };
    damage(0, 3); // dwVersion
    damage(16, 0); // magic
    damage(22, 0xff); // keylen
    const zero = proprietaryCertificate();
    zero.fill(0, 36, 36 + MODULUS.length);
    assert.throws(() => decodeServerCertificate(zero), DecodeError);
  });
});
