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
