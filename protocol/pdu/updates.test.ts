import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import { decodeBitmapUpdate, encodeBitmapUpdate, sizeOfBitmapUpdate } from './bitmap-update.ts';
import { decodePaletteUpdate, encodePaletteUpdate, sizeOfPaletteUpdate } from './palette.ts';
import {
  decodeCachedPointer,
  decodeColorPointer,
  decodeLargePointer,
  decodeNewPointer,
  decodePointerPosition,
  encodeCachedPointer,
  encodeColorPointer,
  encodeNewPointer,
  encodePointerPosition,
  sizeOfCachedPointer,
  sizeOfColorPointer,
  sizeOfNewPointer,
  sizeOfPointerPosition,
} from './pointer.ts';
import { decodeSlowPathGraphics, decodeSlowPathPointer } from './slow-path-update.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

function read(bytes: Uint8Array): ReadCursor {
  return new ReadCursor(bytes, 'test');
}

function write(size: number, encode: (cursor: WriteCursor) => void): Uint8Array {
  const cursor = new WriteCursor(size);
  encode(cursor);
  return cursor.finish();
}

describe('TS_UPDATE_BITMAP_DATA', () => {
  const rectangle = {
    destLeft: 1,
    destTop: 2,
    destRight: 4,
    destBottom: 5,
    width: 4,
    height: 4,
    bitsPerPixel: 16,
    compressed: true,
    data: hex('aabbcc'),
  };
  const bytes = hex('0100 0100 0100 0200 0400 0500 0400 0400 1000 0104 0300 aabbcc');

  it('decodes, encodes, knows its size', () => {
    const update = { rectangles: [rectangle] };
    assert.deepEqual(decodeBitmapUpdate(read(bytes)), update);
    assert.deepEqual(
      write(sizeOfBitmapUpdate(update), (cursor) => encodeBitmapUpdate(update, cursor)),
      bytes,
    );
  });

  it('skips the compression header where there is one', () => {
    const withHeader = hex('0100 0100 0100 0200 0400 0500 0400 0400 1000 0100 0b00 0000 0300 0800 2000 aabbcc');
    assert.deepEqual(decodeBitmapUpdate(read(withHeader)).rectangles, [rectangle]);
  });

  it('refuses another type, a header that does not fit, data that is not there, too many rectangles', () => {
    for (const broken of [
      '0200 0000',
      '0100 0100 0100 0200 0400 0500 0400 0400 1000 0100 0300 aabbcc 0000000000',
      '0100 0100 0100 0200 0400 0500 0400 0400 1000 0104 0400 aabbcc',
      '0100 ffff',
    ]) {
      assert.throws(() => decodeBitmapUpdate(read(hex(broken))), DecodeError, broken);
    }
  });
});

describe('TS_UPDATE_PALETTE', () => {
  const colors = Uint8Array.from({ length: 768 }, (_, i) => i & 0xff);
  const bytes = Uint8Array.of(2, 0, 0, 0, 0, 1, 0, 0, ...colors);

  it('decodes, encodes, knows its size', () => {
    assert.deepEqual(decodePaletteUpdate(read(bytes)), { colors });
    assert.deepEqual(
      write(sizeOfPaletteUpdate(), (cursor) => encodePaletteUpdate({ colors }, cursor)),
      bytes,
    );
    assert.throws(() => encodePaletteUpdate({ colors: colors.subarray(1) }, new WriteCursor(9)), UsageError);
  });

  it('refuses another type and another number of colours', () => {
    assert.throws(() => decodePaletteUpdate(read(bytes.with(0, 1))), DecodeError);
    assert.throws(() => decodePaletteUpdate(read(bytes.with(4, 1))), DecodeError);
  });
});

describe('pointer updates', () => {
  const shape = {
    xorBpp: 24,
    cacheIndex: 3,
    hotX: 1,
    hotY: 2,
    width: 2,
    height: 1,
    xorMask: hex('010203040506'),
    andMask: hex('c000'),
  };
  const attribute = '0300 0100 0200 0200 0100 0200 0600 010203040506 c000';

  it('position', () => {
    const bytes = hex('0102 0304');
    assert.deepEqual(decodePointerPosition(read(bytes)), { x: 0x201, y: 0x403 });
    const encode = (cursor: WriteCursor) => encodePointerPosition({ x: 0x201, y: 0x403 }, cursor);
    assert.deepEqual(write(sizeOfPointerPosition(), encode), bytes);
  });

  it('colour pointer, with and without pad', () => {
    assert.deepEqual(decodeColorPointer(read(hex(attribute))), shape);
    assert.deepEqual(decodeColorPointer(read(hex(`${attribute}00`))), shape);
    const encode = (cursor: WriteCursor) => encodeColorPointer(shape, cursor);
    assert.deepEqual(write(sizeOfColorPointer(shape), encode), hex(`${attribute}00`));
    assert.throws(() => encodeColorPointer({ ...shape, xorBpp: 32 }, new WriteCursor(99)), UsageError);
  });

  it('new pointer', () => {
    const deep = { ...shape, xorBpp: 32 };
    assert.deepEqual(decodeNewPointer(read(hex(`2000 ${attribute}`))), deep);
    const encode = (cursor: WriteCursor) => encodeNewPointer(deep, cursor);
    assert.deepEqual(write(sizeOfNewPointer(deep), encode), hex(`2000 ${attribute} 00`));
  });

  it('large pointer', () => {
    const bytes = hex('1800 0300 0100 0200 0200 0100 02000000 06000000 010203040506 c000');
    assert.deepEqual(decodeLargePointer(read(bytes)), shape);
  });

  it('cached pointer', () => {
    assert.deepEqual(decodeCachedPointer(read(hex('0500'))), { cacheIndex: 5 });
    const encode = (cursor: WriteCursor) => encodeCachedPointer({ cacheIndex: 5 }, cursor);
    assert.deepEqual(write(sizeOfCachedPointer(), encode), hex('0500'));
  });

  it('refuses shapes past the limits and masks that are not there', () => {
    assert.throws(() => decodeColorPointer(read(hex('0300 0100 0200 6100 0100 0000 0000'))), {
      code: 'limit_exceeded',
      field: 'width',
    });
    assert.throws(() => decodeLargePointer(read(hex('1800 0300 0100 0200 0200 8101 00000000 00000000'))), {
      code: 'limit_exceeded',
      field: 'height',
    });
    assert.throws(() => decodeColorPointer(read(hex('0300 0100 0200 0200 0100 0200 0600 01'))), { code: 'truncated' });
    assert.throws(() => decodeLargePointer(read(hex('1800 0300 0100 0200 0200 0100 ffffffff ffffffff'))), {
      code: 'truncated',
    });
  });
});

describe('slow-path updates', () => {
  it('graphics', () => {
    assert.deepEqual(decodeSlowPathGraphics(read(hex('0100 0000'))), { kind: 'bitmap', data: hex('0100 0000') });
    assert.deepEqual(decodeSlowPathGraphics(read(hex('0200 0000'))), { kind: 'palette', data: hex('0200 0000') });
    assert.deepEqual(decodeSlowPathGraphics(read(hex('0300 0000'))), { kind: 'synchronize' });
    assert.deepEqual(decodeSlowPathGraphics(read(hex('0000 0000 0100'))), { kind: 'orders' });
    assert.deepEqual(decodeSlowPathGraphics(read(hex('0900'))), { kind: 'unknown', type: 9 });
    assert.throws(() => decodeSlowPathGraphics(read(hex('01'))), DecodeError);
  });

  it('pointers', () => {
    assert.deepEqual(decodeSlowPathPointer(read(hex('0100 0000 00000000'))), { kind: 'pointer-hidden' });
    assert.deepEqual(decodeSlowPathPointer(read(hex('0100 0000 007f0000'))), { kind: 'pointer-default' });
    assert.deepEqual(decodeSlowPathPointer(read(hex('0300 0000 01000200'))), {
      kind: 'pointer-position',
      data: hex('01000200'),
    });
    const kinds = { 6: 'pointer-color', 7: 'pointer-cached', 8: 'pointer-new', 9: 'pointer-large' };
    for (const [type, kind] of Object.entries(kinds)) {
      assert.deepEqual(decodeSlowPathPointer(read(Uint8Array.of(Number(type), 0, 0, 0, 7))), {
        kind,
        data: Uint8Array.of(7),
      });
    }
    assert.deepEqual(decodeSlowPathPointer(read(hex('0200 0000'))), { kind: 'unknown', type: 2 });
  });
});
