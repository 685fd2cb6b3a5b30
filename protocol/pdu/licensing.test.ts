import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import {
  decodeLicenseMessage,
  encodeLicenseMessage,
  type LicenseMessage,
  type SentLicenseMessage,
  sizeOfLicenseMessage,
  VALID_CLIENT_ALERT,
} from './licensing.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

function encode(message: SentLicenseMessage): Uint8Array {
  const cursor = new WriteCursor(sizeOfLicenseMessage(message));
  encodeLicenseMessage(message, cursor);
  return cursor.finish();
}

function decode(bytes: Uint8Array): LicenseMessage {
  return decodeLicenseMessage(new ReadCursor(bytes, 'test'));
}

const RANDOM = 'cd'.repeat(32);
const MAC = 'ee'.repeat(16);

describe('licensing PDUs', () => {
  it('encodes and decodes the alert that lets a client in', () => {
    // [MS-RDPBCGR] 4.1.12, without its security header.
    const bytes = hex('ff03 1000 07000000 02000000 0400 0000');
    assert.deepEqual(encode(VALID_CLIENT_ALERT), bytes);
    assert.deepEqual(decode(bytes), VALID_CLIENT_ALERT);
  });

  it('encodes and decodes a New License Request', () => {
    const message: SentLicenseMessage = {
      kind: 'newLicenseRequest',
      keyExchangeAlgorithm: 1,
      platformId: 0x04010000,
      clientRandom: hex(RANDOM),
      encryptedPremasterSecret: hex('010203'),
      userName: 'u',
      machineName: 'pc',
    };
    const bytes = hex(`1383 4000 01000000 00000104 ${RANDOM} 0200 0300 010203 0f00 0200 7500 1000 0300 706300`);
    assert.deepEqual(encode(message), bytes);
    assert.deepEqual(decode(bytes), message);
  });

  it('encodes and decodes a Platform Challenge Response', () => {
    const message: SentLicenseMessage = {
      kind: 'platformChallengeResponse',
      encryptedResponse: hex('0102'),
      encryptedHardwareId: hex('03'),
      mac: hex(MAC),
    };
    const bytes = hex(`1583 1f00 0900 0200 0102 0900 0100 03 ${MAC}`);
    assert.deepEqual(encode(message), bytes);
    assert.deepEqual(decode(bytes), message);
  });

  it('writes names as the ANSI text that the field is', () => {
    const request = decode(
      encode({
        kind: 'newLicenseRequest',
        keyExchangeAlgorithm: 1,
        platformId: 0,
        clientRandom: hex(RANDOM),
        encryptedPremasterSecret: hex(''),
        userName: 'Jürgen €',
        machineName: '',
      }),
    );
    assert.ok(request.kind === 'newLicenseRequest');
    assert.equal(request.userName, 'Jürgen ?');
  });

  it('decodes a License Request', () => {
    const bytes = hex(`0103 5800 ${RANDOM} 00000600 04000000 43000000 08000000 410030003200 0000
      0d00 0400 01000000 0300 0200 aabb 02000000 0e00 0100 78 0e00 0100 79`);
    assert.deepEqual(decode(bytes), {
      kind: 'licenseRequest',
      serverRandom: hex(RANDOM),
      productVersion: 0x00060000,
      companyName: 'C',
      productId: 'A02',
      keyExchange: hex('01000000'),
      serverCertificate: hex('aabb'),
      scopes: [
        { type: 14, data: hex('78') },
        { type: 14, data: hex('79') },
      ],
    });
  });

  it('decodes a Platform Challenge, a New and an Upgrade License', () => {
    assert.deepEqual(decode(hex(`0203 1d00 00000000 0900 0100 05 ${MAC}`)), {
      kind: 'platformChallenge',
      connectFlags: 0,
      encryptedChallenge: hex('05'),
      mac: hex(MAC),
    });
    for (const [type, upgrade] of [
      ['03', false],
      ['04', true],
    ] as const) {
      const license = decode(hex(`${type}03 1a00 0900 0200 0102 ${MAC}`));
      assert.deepEqual(license, { kind: 'newLicense', upgrade, encryptedLicense: hex('0102'), mac: hex(MAC) });
    }
  });

  it('lets unknown messages through', () => {
    assert.deepEqual(decode(hex('7703 0600 0102')), { kind: 'unknown', type: 0x77, body: hex('0102') });
  });

  it('refuses short messages and counts past the limits', () => {
    const refused = (bytes: string, code: DecodeError['code']) => {
      assert.throws(
        () => decode(hex(bytes)),
        (error) => error instanceof DecodeError && error.code === code,
        bytes,
      );
    };
    refused('ff03 0300', 'invalid_value');
    refused('ff03 1000 07000000', 'truncated');
    refused('ff03 0e00 07000000 02000000 0400', 'truncated');
    refused(`0103 2c00 ${RANDOM} 00000600 ffffffff`, 'limit_exceeded');
    refused(`0103 3c00 ${RANDOM} 00000600 00000000 00000000 0d00 0000 0300 0000 11000000`, 'limit_exceeded');
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3, 0x13, 0x15, 0xff), fc.uint8Array({ maxLength: 120 }), (type, body) => {
        const bytes = Uint8Array.of(type, 3, body.length + 4, 0, ...body);
        try {
          decode(bytes);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
    );
  });
});
