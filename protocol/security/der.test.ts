import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import {
  contextTag,
  DerTag,
  derContext,
  derElement,
  derInteger,
  derOctetString,
  derSequence,
  readAny,
  readElement,
  readInteger,
  readOctetString,
  readOptional,
} from './der.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const cursorOf = (text: string): ReadCursor => new ReadCursor(new Uint8Array(Buffer.from(text, 'hex')), 'test');

describe('DER integers', () => {
  const encodings = {
    '020100': 0,
    '02017f': 127,
    '02020080': 128,
    '0201ff': -1,
    '020180': -128,
    '0202ff7f': -129,
    '0204c000006d': 0xc000006d | 0,
    '020500c000006d': 0xc000006d,
  };
  for (const [encoded, value] of Object.entries(encodings)) {
    it(`${value} is ${encoded}`, () => {
      assert.equal(hex(derInteger(value)), encoded);
      assert.equal(readInteger(cursorOf(encoded), 'x'), value);
    });
  }

  it('round-trips all of 32 bits, with and without sign', () => {
    fc.assert(
      fc.property(fc.integer({ min: -0x8000_0000, max: 0xffff_ffff }), (value) => {
        assert.equal(readInteger(new ReadCursor(derInteger(value), 'test'), 'x'), value);
      }),
    );
  });

  it('refuses what is past 32 bits, empty, or no integer', () => {
    for (const bad of ['0200', '02050100000000', '0206000000000001', '0205ff00000000']) {
      assert.throws(() => readInteger(cursorOf(bad), 'x'), { code: 'limit_exceeded' }, bad);
    }
    assert.throws(() => readInteger(cursorOf('040101'), 'x'), { code: 'invalid_value' });
    assert.throws(() => derInteger(1.5), UsageError);
  });
});

describe('DER elements', () => {
  it('have short and long lengths', () => {
    for (const [length, prefix] of [
      [0, '0400'],
      [127, '047f'],
      [128, '048180'],
      [255, '0481ff'],
      [256, '04820100'],
      [65_536, '0483010000'],
    ] as const) {
      const encoded = derOctetString(new Uint8Array(length));
      assert.equal(hex(encoded.subarray(0, prefix.length / 2)), prefix);
      assert.equal(readOctetString(new ReadCursor(encoded, 'test'), 'x').length, length);
    }
  });

  it('may have a length that is longer than it need be', () => {
    assert.equal(hex(readOctetString(cursorOf('0482000101'), 'x')), '01');
  });

  it('may not be indefinite, absurd or cut', () => {
    assert.throws(() => readOctetString(cursorOf('04800000'), 'x'), { code: 'invalid_value' });
    assert.throws(() => readOctetString(cursorOf('04850000000001aa'), 'x'), { code: 'invalid_value' });
    assert.throws(() => readOctetString(cursorOf('0484ffffffff'), 'x'), { code: 'truncated' });
    assert.throws(() => readOctetString(cursorOf('0402aa'), 'x'), { code: 'truncated' });
    assert.throws(() => readOctetString(cursorOf(''), 'x'), DecodeError);
  });

  it('nest, and may be left out where they are optional', () => {
    const encoded = derSequence(derContext(0, derInteger(1)), derContext(2, derOctetString(Uint8Array.of(7))));
    assert.equal(hex(encoded), '300aa003020101a203040107');
    const sequence = readElement(new ReadCursor(encoded, 'test'), DerTag.sequence, 'sequence');
    assert.equal(readInteger(readElement(sequence, contextTag(0), 'a'), 'a'), 1);
    assert.equal(readOptional(sequence, contextTag(1), 'b'), undefined);
    assert.equal(readAny(sequence, 'c').tag, contextTag(2));
    assert.equal(readOptional(sequence, contextTag(3), 'd'), undefined);
  });

  it('round-trip with any contents', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (contents) => {
        const { tag, contents: read } = readAny(new ReadCursor(derElement(0x42, contents), 'test'), 'x');
        assert.equal(tag, 0x42);
        assert.equal(hex(read.rest()), hex(contents));
      }),
    );
  });
});
