import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../core/errors.ts';
import { Rc4, rc4 } from './rc4.ts';

/** [RFC 6229] 2: key, and the keystream's bytes at 0 and at 4096. */
const VECTORS = [
  ['0102030405', 'b2396305f03dc027ccc3524a0a1118a8', 'ff25b58995996707e51fbdf08b34d875'],
  ['0102030405060708090a0b0c0d0e0f10', '9ac7cc9a609d1ef7b2932899cde41b97', 'a36a4c301ae8ac13610ccbc12256cacc'],
] as const;

describe('Rc4', () => {
  for (const [key, first, later] of VECTORS) {
    it(`has the keystream of RFC 6229 for a key of ${key.length * 4} bits`, () => {
      const stream = rc4(Buffer.from(key, 'hex'), new Uint8Array(4112));
      assert.equal(Buffer.from(stream.subarray(0, 16)).toString('hex'), first);
      assert.equal(Buffer.from(stream.subarray(4096)).toString('hex'), later);
    });
  }

  it('goes on where the last call ended', () => {
    const key = Buffer.from('0102030405', 'hex');
    const whole = rc4(key, new Uint8Array(100));
    const stream = new Rc4(key);
    const parts = [stream.process(new Uint8Array(1)), stream.process(new Uint8Array(99))];
    assert.deepEqual(Buffer.concat(parts), Buffer.from(whole));
  });

  it('takes no empty key', () => {
    assert.throws(() => new Rc4(new Uint8Array(0)), UsageError);
  });
});
