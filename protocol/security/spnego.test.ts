import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../core/errors.ts';
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeNegTokenInit,
  encodeNegTokenResp,
  Mechanism,
  NegState,
  spnegoTokenKind,
} from './spnego.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

describe('NegTokenInit', () => {
  const token = { mechTypes: [Mechanism.ntlm], mechToken: bytes('aabb') };
  const encoded = '6022 0606 2b0601050502 a018 3016 a00e 300c 060a 2b06010401823702020a a204 0402aabb';

  it('encodes and decodes', () => {
    assert.equal(hex(encodeNegTokenInit(token)), hex(bytes(encoded)));
    assert.deepEqual(decodeNegTokenInit(bytes(encoded)), token);
    assert.equal(spnegoTokenKind(bytes(encoded)), 'init');
  });

  it('may have flags, and hints where the MIC stands', () => {
    // reqFlags [1] BIT STRING, and negHints [3] SEQUENCE of [MS-SPNG] 2.2.1
    const hinted = bytes(
      '6028 0606 2b0601050502 a01e 301c a00e 300c 060a 2b06010401823702020a a104 0302 0640 a304 3002 0500',
    );
    const decoded = decodeNegTokenInit(hinted);
    assert.equal(decoded.mechListMic, undefined);
    assert.equal(decoded.mechToken, undefined);
  });

  it('is read as the NegTokenInit2 of [MS-SPNG] 4', () => {
    const decoded = decodeNegTokenInit(NEG_TOKEN_INIT_2);
    const negoEx = bytes('2b06010401823702021e');
    assert.deepEqual(decoded.mechTypes, [negoEx, Mechanism.ntlm]);
    assert.equal(decoded.mechToken?.length, 254);
    assert.equal(Buffer.from(decoded.mechToken.subarray(0, 8)).toString('latin1'), 'NEGOEXTS');
    assert.equal(decoded.mechListMic, undefined);
    // Its MIC would come behind the hints, and its mechanisms may be left out.
    const signed = bytes('6018 0606 2b0601050502 a00e 300c a304 3002 0500 a404 0402 aabb');
    assert.deepEqual(decodeNegTokenInit(signed), { mechTypes: [], mechListMic: bytes('aabb') });
  });

  it('must be of SPNEGO, with a bounded list', () => {
    assert.throws(() => decodeNegTokenInit(bytes('6008 0606 2b0601050503')), { field: 'thisMech' });
    const many = encodeNegTokenInit({ mechTypes: Array.from({ length: 33 }, () => Mechanism.ntlm) });
    assert.throws(() => decodeNegTokenInit(many), { code: 'limit_exceeded' });
  });
});

describe('NegTokenResp', () => {
  it('encodes and decodes', () => {
    const token = {
      negState: NegState.acceptIncomplete,
      supportedMech: Mechanism.ntlm,
      responseToken: bytes('aa'),
      mechListMic: bytes('bb'),
    };
    const encoded = 'a11f 301d a003 0a0101 a10c 060a 2b06010401823702020a a203 0401aa a303 0401bb';
    assert.equal(hex(encodeNegTokenResp(token)), hex(bytes(encoded)));
    assert.deepEqual(decodeNegTokenResp(bytes(encoded)), token);
    assert.equal(spnegoTokenKind(bytes(encoded)), 'resp');
  });

  it('may be empty', () => {
    assert.deepEqual(decodeNegTokenResp(encodeNegTokenResp({})), {});
    assert.equal(spnegoTokenKind(bytes('4e54')), undefined);
  });

  it('is a DecodeError when it is nonsense', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(0x60, 0xa1), (noise, tag) => {
        const token = new Uint8Array(Buffer.concat([Uint8Array.of(tag, noise.length), noise]));
        for (const decode of [decodeNegTokenInit, decodeNegTokenResp]) {
          try {
            decode(token);
          } catch (error) {
            assert.ok(error instanceof DecodeError);
          }
        }
      }),
    );
  });
});

/** [MS-SPNG] 4. */
const NEG_TOKEN_INIT_2 = bytes(`
      6082015d06062b0601050502a0820151
      3082014da01a3018060a2b0601040182
      3702021e060a2b06010401823702020a
      a28201010481fe4e45474f4558545301
      000000000000006000000070000000cf
      fa11765e12599a347d766852bfce7097
      458710bb8242b4c7dfbad2da897aa311
      a7d868463430952562dc13c554f20100
      00000000000000600000000100000000
      000000000000005c33530deaf90d4db2
      ec4ae3786ec3084e45474f4558545303
      00000001000000400000008e000000cf
      fa11765e12599a347d766852bfce705c
      33530deaf90d4db2ec4ae3786ec30840
      0000004e000000304ca04a3048302a80
      283026312430220603550403131b584d
      4c50726f766964657220496e7465726d
      656469617465204341301a8018301631
      1430120603550403130b584d4c50726f
      7669646572a32a3028a0261b246e6f74
      5f646566696e65645f696e5f52464334
      31373840706c656173655f69676e6f72
      65`);
