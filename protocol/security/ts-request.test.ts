import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../core/errors.ts';
import { decodeTsRequest, encodeTsRequest, findTsRequestSize, sizeOfTsRequest, type TsRequest } from './ts-request.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

describe('TSRequest', () => {
  const nonce = new Uint8Array(32).fill(0xee);
  const cases: readonly [TsRequest, string][] = [
    [{ version: 2 }, '3005 a003020102'],
    [{ version: 6, negoToken: bytes('aabb') }, '3011 a003020106 a10a 3008 3006 a004 0402aabb'],
    [{ version: 3, authInfo: bytes('01') }, '300a a003020103 a203 040101'],
    [{ version: 3, pubKeyAuth: bytes('01') }, '300a a003020103 a303 040101'],
    [{ version: 6, errorCode: 0xc000006d }, '300d a003020106 a406 0204c000006d'],
    [{ version: 5, clientNonce: nonce }, `3029 a003020105 a522 0420 ${'ee'.repeat(32)}`],
    [
      { version: 6, negoToken: bytes('aa'), pubKeyAuth: bytes('bb'), clientNonce: nonce },
      `3039 a003020106 a109 3007 3005 a003 0401aa a303 0401bb a522 0420 ${'ee'.repeat(32)}`,
    ],
  ];
  for (const [request, encoded] of cases) {
    it(`encodes and decodes ${Object.keys(request).join(', ')}`, () => {
      assert.equal(hex(encodeTsRequest(request)), hex(bytes(encoded)));
      assert.deepEqual(decodeTsRequest(bytes(encoded)), request);
      assert.equal(sizeOfTsRequest(request), bytes(encoded).length);
      assert.equal(findTsRequestSize(bytes(encoded)), bytes(encoded).length);
    });
  }

  it('takes an error code that is written without a sign', () => {
    assert.equal(decodeTsRequest(bytes('300e a003020106 a407 020500c000006d')).errorCode, 0xc000006d);
  });

  it('refuses a nonce of another size, an unknown order, and trailing bytes', () => {
    assert.throws(() => decodeTsRequest(bytes('300a a003020105 a503 040101')), { field: 'clientNonce' });
    assert.throws(() => decodeTsRequest(bytes('3005 a103020102')), { code: 'invalid_value' });
    assert.throws(() => decodeTsRequest(bytes('3005 a003020102 00')), { code: 'trailing_bytes' });
  });
});

describe('findTsRequestSize', () => {
  it('waits until it can tell, byte by byte, and sees no further', () => {
    const request = encodeTsRequest({ version: 6, negoToken: new Uint8Array(300) });
    const withTail = Buffer.concat([request, Buffer.from('tail')]);
    for (let length = 0; length <= withTail.length; length++) {
      const size = findTsRequestSize(new Uint8Array(withTail.subarray(0, length)));
      assert.equal(size, length < 4 ? undefined : request.length);
    }
  });

  it('refuses at once what cannot be one, or is too large', () => {
    assert.throws(() => findTsRequestSize(bytes('03')), { code: 'invalid_value' });
    assert.throws(() => findTsRequestSize(bytes('3080')), { code: 'invalid_value' });
    assert.throws(() => findTsRequestSize(bytes('3085')), { code: 'invalid_value' });
    assert.throws(() => findTsRequestSize(bytes('30ff')), { code: 'invalid_value' });
    assert.throws(() => findTsRequestSize(bytes('308301000100')), { code: 'limit_exceeded' });
    assert.throws(() => findTsRequestSize(bytes('3084ffffffff')), { code: 'limit_exceeded' });
  });

  it('is a DecodeError when it is nonsense', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        try {
          decodeTsRequest(new Uint8Array(Buffer.concat([Uint8Array.of(0x30, noise.length), noise])));
        } catch (error) {
          assert.ok(error instanceof DecodeError);
        }
      }),
    );
  });
});
