import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError, UsageError } from '../core/errors.ts';
import {
  decodeFastPathUpdates,
  encodeFastPathUpdate,
  encodeFragmentedUpdate,
  FragmentAssembler,
  Fragmentation,
  MAX_FAST_PATH_SIZE,
  sizeOfFastPathUpdate,
} from './fast-path.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

const { single, first, next, last } = Fragmentation;

describe('TS_FP_UPDATE_PDU', () => {
  it('decodes several updates of one PDU', () => {
    assert.deepEqual(decodeFastPathUpdates(hex('00 0a 05 0000 01 0200 aabb')), [
      { code: 5, fragmentation: single, data: hex('') },
      { code: 1, fragmentation: single, data: hex('aabb') },
    ]);
  });

  it('decodes compression flags that say "not compressed" and refuses those that say it is', () => {
    const updates = decodeFastPathUpdates(hex('00 07 81 00 0100 aa'));
    assert.deepEqual(updates, [{ code: 1, fragmentation: single, data: hex('aa') }]);
    assert.throws(() => decodeFastPathUpdates(hex('00 07 81 21 0100 aa')), DecodeError);
  });

  it('refuses encryption and data that runs past the PDU', () => {
    assert.throws(() => decodeFastPathUpdates(hex('80 05 05 0000')), DecodeError);
    assert.throws(() => decodeFastPathUpdates(hex('00 06 01 0200 aa')), DecodeError);
  });

  it('encodes with a short and with a long length', () => {
    const update = { code: 1, fragmentation: next, data: hex('aabb') };
    assert.deepEqual(encodeFastPathUpdate(update), hex('00 07 31 0200 aabb'));
    assert.equal(sizeOfFastPathUpdate(update), 5);
    const long = encodeFastPathUpdate({ code: 1, fragmentation: single, data: new Uint8Array(200) });
    assert.deepEqual(long.subarray(0, 6), hex('00 80ce 01 c800'));
    assert.equal(long.length, 206);
    const tooLong = { code: 1, fragmentation: single, data: new Uint8Array(MAX_FAST_PATH_SIZE) };
    assert.throws(() => encodeFastPathUpdate(tooLong), UsageError);
  });

  it('cuts an update of any size into fragments that come together again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.integer({ min: 8, max: 100 }), (data, maxPduSize) => {
        const pdus = encodeFragmentedUpdate(4, data, maxPduSize);
        const assembler = new FragmentAssembler(500);
        const whole = pdus.flatMap((pdu) => {
          assert.ok(pdu.length <= maxPduSize);
          return decodeFastPathUpdates(pdu).map((update) => assembler.push(update));
        });
        assert.deepEqual(whole.pop(), { code: 4, data });
        assert.ok(whole.every((update) => update === undefined));
      }),
    );
  });
});

describe('FragmentAssembler', () => {
  const part = (fragmentation: Fragmentation, size: number, code = 1) => ({
    code,
    fragmentation,
    data: new Uint8Array(size).fill(fragmentation),
  });

  it('uses its memory again once nobody needs what was handed over, and not before', () => {
    const assembler = new FragmentAssembler(1000);
    const whole = (value: number) => {
      const half = { ...part(first, 100), data: new Uint8Array(100).fill(value) };
      assembler.push(half);
      return assembler.push({ ...half, fragmentation: last })?.data ?? new Uint8Array(0);
    };
    const one = whole(1);
    const two = whole(2);
    assert.notEqual(one.buffer, two.buffer);
    assert.ok(one.every((value) => value === 1));
    assembler.reclaim();
    const three = whole(3);
    assert.equal(three.buffer, two.buffer);
    assert.ok(three.length === 200 && three.every((value) => value === 3));
    assembler.push(part(first, 50));
    // What is being put together is kept.
    assembler.reclaim();
    assert.equal(assembler.push(part(last, 10))?.data.length, 60);
  });

  it('keeps nothing of the views it was given', () => {
    const assembler = new FragmentAssembler(10);
    const update = part(first, 2);
    assembler.push(update);
    update.data.fill(9);
    assert.deepEqual(assembler.push(part(last, 1)), { code: 1, data: Uint8Array.of(first, first, last) });
  });

  it('is bounded', () => {
    const assembler = new FragmentAssembler(10);
    assembler.push(part(first, 6));
    assert.throws(() => assembler.push(part(next, 5)), { name: 'DecodeError', code: 'limit_exceeded' });
  });

  it('refuses fragments without a first one and fragments of another update', () => {
    assert.throws(() => new FragmentAssembler(10).push(part(next, 1)), { code: 'unexpected_message' });
    assert.throws(() => new FragmentAssembler(10).push(part(last, 1)), { code: 'unexpected_message' });
    const assembler = new FragmentAssembler(10);
    assembler.push(part(first, 1));
    assert.throws(() => assembler.push(part(last, 1, 2)), { code: 'invalid_value' });
  });

  it('starts anew with a first fragment and with a whole update', () => {
    const assembler = new FragmentAssembler(10);
    assembler.push(part(first, 9));
    assembler.push(part(first, 9));
    assert.deepEqual(assembler.push(part(single, 1))?.data, Uint8Array.of(single));
    assert.throws(() => assembler.push(part(last, 1)), DecodeError);
  });
});
