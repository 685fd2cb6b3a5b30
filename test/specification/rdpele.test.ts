/** [MS-RDPELE] section 4: licensing messages. The document says that they are not of one protocol run. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeServerCertificate } from '../../protocol/connector/server-certificate.ts';
import { ReadCursor, WriteCursor } from '../../protocol/core/cursor.ts';
import {
  decodeLicenseMessage,
  encodeLicenseMessage,
  LicenseBlobType,
  type LicenseMessage,
  LicenseMessageType,
  type SentLicenseMessage,
  sizeOfLicenseMessage,
} from '../../protocol/pdu/licensing.ts';
import { differences } from './decode.ts';
import { specificationDumps } from './dumps.ts';

const dump = specificationDumps('ms-rdpele');

describe('[MS-RDPELE] section 4', () => {
  it('4.1 Server License Request, with a chain of two certificates', () => {
    const request = decode('4.1', 'licenseRequest');
    assert.equal(hex(request.serverRandom.subarray(0, 4)), '84efae20');
    assert.equal(request.productVersion, 0x00060000);
    assert.equal(request.companyName, 'Microsoft Corporation');
    assert.equal(request.productId, 'A02');
    assert.equal(hex(request.keyExchange), '01000000');
    assert.deepEqual(
      request.scopes.map(({ type, data }) => [type, new TextDecoder().decode(data)]),
      [[LicenseBlobType.scope, 'microsoft.com\0']],
    );
    const { size, exponent, modulus } = decodeServerCertificate(request.serverCertificate);
    assert.deepEqual([size, exponent], [256, 65537n]);
    // The key of the second certificate: the first is that of whoever issued it.
    const bytes = Buffer.from(request.serverCertificate);
    assert.ok(bytes.subarray(bytes.length / 2).includes(Buffer.from(modulus.toString(16), 'hex')));
  });

  it('4.2 Client New License Request', () => {
    const request = decode('4.2', 'newLicenseRequest');
    assert.deepEqual([request.keyExchangeAlgorithm, request.platformId], [1, 0x04010000]);
    assert.deepEqual([request.userName, request.machineName], ['Administrator', 'RODENT']);
    assert.equal(request.encryptedPremasterSecret.length, 256 + 8);
    assert.deepEqual(encode(request), dump('4.2'));
  });

  it('4.3 Client License Information: ours keeps no licences and never sends it', () => {
    assert.equal(decode('4.3', 'unknown').type, LicenseMessageType.licenseInfo);
  });

  it('4.4 Server Platform Challenge, its blob type and ConnectFlags without meaning', () => {
    const challenge = decode('4.4', 'platformChallenge');
    assert.equal(challenge.connectFlags, 0xffffffff);
    assert.equal(hex(challenge.encryptedChallenge), '463785548ec59134975d');
    assert.equal(hex(challenge.mac), '7894ad3b81da8818560f3ad1f103ef35');
  });

  it('4.5 Client Platform Challenge Response', () => {
    const response = decode('4.5', 'platformChallengeResponse');
    assert.equal(hex(response.mac), '3823625d108b93c3f1e4671f4ab6000a');
    // Blob types, which a receiver ignores.
    assert.deepEqual(differences(encode(response), dump('4.5')), [4, 26]);
    // Each blob is encrypted from the start of the keystream: that is what their clear texts say.
    const clear = bytesOf('0001 0001 0300 0a00 54004500530054000000');
    const hardwareId = bytesOf('02000000 f159873e c9d898af 2402f8f3 293af026');
    const keystream = xor(response.encryptedResponse, clear);
    assert.deepEqual(xor(response.encryptedHardwareId.subarray(0, keystream.length), hardwareId), keystream);
  });

  it('4.6 Server New License', () => {
    const license = decode('4.6', 'newLicense');
    assert.equal(license.upgrade, false);
    assert.equal(license.encryptedLicense.length, 0x07ef);
    assert.equal(license.mac.length, 16);
  });

  it('4.7 Server Upgrade License', () => {
    const license = decode('4.7', 'newLicense');
    assert.equal(license.upgrade, true);
    assert.equal(license.encryptedLicense.length, dump('4.7').length - 1 - 4 - 4 - 16);
  });
});

function decode<K extends LicenseMessage['kind']>(section: string, kind: K): Extract<LicenseMessage, { kind: K }> {
  const cursor = new ReadCursor(dump(section), 'LICENSE_PREAMBLE');
  const message = decodeLicenseMessage(cursor);
  // The dump of 4.7 has a byte behind the message.
  assert.equal(cursor.remaining, section === '4.7' ? 1 : 0);
  assert.equal(message.kind, kind);
  return message as Extract<LicenseMessage, { kind: K }>;
}

function encode(message: SentLicenseMessage): Uint8Array {
  const cursor = new WriteCursor(sizeOfLicenseMessage(message));
  encodeLicenseMessage(message, cursor);
  return cursor.finish();
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ (b[i] ?? 0));
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
