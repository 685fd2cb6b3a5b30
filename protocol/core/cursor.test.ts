import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReadCursor, WriteCursor } from './cursor.ts';

test('a cursor writes every number as a DataView does, and reads it back', () => {
  const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  fc.assert(
    fc.property(number, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value, large) => {
      const expected = new DataView(new ArrayBuffer(35));
      expected.setUint8(0, value);
      expected.setUint16(1, value, true);
      expected.setUint16(3, value, false);
      expected.setInt16(5, value, true);
      expected.setUint32(7, value, true);
      expected.setUint32(11, value, false);
      expected.setInt32(15, value, true);
      expected.setBigUint64(19, large, true);
      expected.setFloat64(27, value, true);
      const cursor = new WriteCursor(35);
      cursor.u8(value);
      cursor.u16(value);
      cursor.u16Be(value);
      cursor.i16(value);
      cursor.u32(value);
      cursor.u32Be(value);
      cursor.i32(value);
      cursor.u64(large);
      cursor.f64(value);
      const bytes = cursor.finish();
      assert.deepEqual(bytes, new Uint8Array(expected.buffer));
      const read = new ReadCursor(bytes, 'test');
      assert.equal(read.u8('u8'), expected.getUint8(0));
      assert.equal(read.u16('u16'), expected.getUint16(1, true));
      assert.equal(read.u16Be('u16Be'), expected.getUint16(3, false));
      assert.equal(read.i16('i16'), expected.getInt16(5, true));
      assert.equal(read.u32('u32'), expected.getUint32(7, true));
      assert.equal(read.u32Be('u32Be'), expected.getUint32(11, false));
      assert.equal(read.i32('i32'), expected.getInt32(15, true));
      assert.equal(read.u64('u64'), large);
    }),
  );
});
