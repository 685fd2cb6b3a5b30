import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../core/errors.ts';
import {
  decodeRdstlsCapabilities,
  decodeRdstlsRequest,
  decodeRdstlsResponse,
  encodeRdstlsCapabilities,
  encodeRdstlsRequest,
  encodeRdstlsResponse,
  findRdstlsRequestSize,
  RdstlsResult,
  sizeOfRdstlsRequest,
} from './rdstls.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

const CAPABILITIES = hex('0100 0100 0100 0100');
const RESPONSE = hex('0100 0400 0100 2e050000');
const PASSWORD = hex('0100 0200 0100  0400 61006200  0400 75000000  0200 0000  0300 010203');
const COOKIE = hex('0100 0200 0200 07000000 0200 aabb');

describe('RDSTLS', () => {
  it('capabilities', () => {
    assert.deepEqual(decodeRdstlsCapabilities(CAPABILITIES), { supportedVersions: 1 });
    assert.deepEqual(encodeRdstlsCapabilities({ supportedVersions: 1 }), CAPABILITIES);
  });

  it('response', () => {
    assert.deepEqual(decodeRdstlsResponse(RESPONSE), { resultCode: RdstlsResult.logonFailure });
    assert.deepEqual(encodeRdstlsResponse({ resultCode: RdstlsResult.logonFailure }), RESPONSE);
  });

  for (const [name, bytes, request] of [
    [
      'request by password',
      PASSWORD,
      {
        kind: 'password',
        redirectionGuid: hex('61006200'),
        userName: hex('75000000'),
        domain: hex('0000'),
        password: hex('010203'),
      },
    ],
    ['request by cookie', COOKIE, { kind: 'cookie', sessionId: 7, autoReconnectCookie: hex('aabb') }],
  ] as const) {
    it(name, () => {
      assert.deepEqual(decodeRdstlsRequest(bytes), request);
      assert.deepEqual(encodeRdstlsRequest(request), bytes);
      assert.equal(sizeOfRdstlsRequest(request), bytes.length);
      for (let length = 0; length < bytes.length; length++) {
        assert.equal(findRdstlsRequestSize(bytes.subarray(0, length)), undefined);
        assert.throws(() => decodeRdstlsRequest(bytes.subarray(0, length)), DecodeError);
      }
      assert.equal(findRdstlsRequestSize(Uint8Array.of(...bytes, 1, 2)), bytes.length);
    });
  }

  it('refuses other versions, types and data', () => {
    assert.throws(() => decodeRdstlsCapabilities(hex('0200 0100 0100 0100')), DecodeError);
    assert.throws(() => decodeRdstlsCapabilities(RESPONSE), DecodeError);
    assert.throws(() => decodeRdstlsResponse(hex('0100 0400 0200 00000000')), DecodeError);
    assert.throws(() => decodeRdstlsRequest(hex('0100 0200 0300 0000')), DecodeError);
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (body) => {
        const bytes = Uint8Array.of(1, 0, 2, 0, ...body);
        findRdstlsRequestSize(bytes);
        try {
          decodeRdstlsRequest(bytes);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
    );
  });
});
