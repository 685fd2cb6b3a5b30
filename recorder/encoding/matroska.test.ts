import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrameHeader, encodeMatroskaHeader } from './matroska.ts';

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

test('a file begins with the EBML header and a segment of unknown size', () => {
  const header = hex(encodeMatroskaHeader(1280, 800));
  assert.ok(header.startsWith('1a 45 df a3 01 00 00 00 00 00 00'));
  // DocType "matroska", then Segment with all size bits set.
  assert.ok(header.includes('42 82 01 00 00 00 00 00 00 08 6d 61 74 72 6f 73 6b 61'));
  assert.ok(header.includes('18 53 80 67 01 ff ff ff ff ff ff ff'));
  assert.ok(header.includes('b0 01 00 00 00 00 00 00 02 05 00'), 'PixelWidth 1280');
  assert.ok(header.includes('ba 01 00 00 00 00 00 00 02 03 20'), 'PixelHeight 800');
  assert.ok(header.includes('2e b5 24 01 00 00 00 00 00 00 04 49 34 32 30'), 'UncompressedFourCC I420');
  assert.ok(header.includes('2a d7 b1 01 00 00 00 00 00 00 03 0f 42 40'), 'TimestampScale 1,000,000 ns');
});

test('a frame is one cluster with its time and one block', () => {
  const header = encodeFrameHeader(0x012345, 1000);
  assert.equal(
    hex(header),
    '1f 43 b6 75 01 00 00 00 00 00 04 01 ' +
      'e7 01 00 00 00 00 00 00 03 01 23 45 ' +
      'a3 01 00 00 00 00 00 03 ec 81 00 00 80',
  );
  // The cluster's size covers everything after its own size field.
  assert.equal(0x401, header.byteLength - 12 + 1000);
});

test('times past 32 bits keep their value', () => {
  const month = 40 * 24 * 3600 * 1000;
  assert.ok(hex(encodeFrameHeader(month, 0)).includes('e7 01 00 00 00 00 00 00 04 cd fe 60 00'));
  assert.ok(hex(encodeFrameHeader(2 ** 40, 0)).includes('e7 01 00 00 00 00 00 00 06 01 00 00 00 00 00'));
});
