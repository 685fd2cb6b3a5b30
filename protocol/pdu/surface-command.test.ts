import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import {
  decodeSurfaceCommand,
  encodeSurfaceCommand,
  type SurfaceCommand,
  sizeOfSurfaceCommand,
} from './surface-command.ts';

// [MS-RDPBCGR] 2.2.9.2.1 and 2.2.9.2.1.1, field by field.
const BITS_BYTES = Uint8Array.of(
  ...[0x06, 0x00], // cmdType: stream surface bits
  ...[0x10, 0x00, 0x20, 0x00], // destLeft, destTop
  ...[0x12, 0x00, 0x21, 0x00], // destRight, destBottom
  ...[0x20, 0x00, 0x00, 0x03], // bpp, flags, reserved, codecID
  ...[0x02, 0x00, 0x01, 0x00], // width, height
  ...[0x03, 0x00, 0x00, 0x00], // bitmapDataLength
  ...[0xaa, 0xbb, 0xcc],
);
const BITS: SurfaceCommand = {
  kind: 'bits',
  type: 6,
  destLeft: 16,
  destTop: 32,
  bitsPerPixel: 32,
  codecId: 3,
  width: 2,
  height: 1,
  data: Uint8Array.of(0xaa, 0xbb, 0xcc),
};
const FRAME_BYTES = Uint8Array.of(0x04, 0x00, 0x01, 0x00, 0x78, 0x56, 0x34, 0x12);
const FRAME: SurfaceCommand = { kind: 'frame', action: 1, frameId: 0x12345678 };

describe('surface commands', () => {
  for (const [bytes, command] of [
    [BITS_BYTES, BITS],
    [FRAME_BYTES, FRAME],
  ] as const) {
    it(`decodes, encodes and measures ${command.kind}`, () => {
      assert.deepEqual(decodeSurfaceCommand(new ReadCursor(bytes, 'TS_SURFCMD')), command);
      assert.equal(sizeOfSurfaceCommand(command), bytes.length);
      const cursor = new WriteCursor(bytes.length);
      encodeSurfaceCommand(command, cursor);
      assert.deepEqual(cursor.finish(), bytes);
    });
  }

  it('passes over the extended header', () => {
    const extended = Uint8Array.from([...BITS_BYTES.subarray(0, 22), ...Array(24).fill(0x77), 0xaa, 0xbb, 0xcc]);
    extended[11] = 0x01;
    assert.deepEqual(decodeSurfaceCommand(new ReadCursor(extended, 'TS_SURFCMD')), BITS);
  });

  it('takes a frame marker without its id', () => {
    const marker = decodeSurfaceCommand(new ReadCursor(FRAME_BYTES.subarray(0, 4), 'TS_SURFCMD'));
    assert.deepEqual(marker, { kind: 'frame', action: 1, frameId: 0 });
  });

  it('names what is wrong', () => {
    const decode = (bytes: Uint8Array) => () => decodeSurfaceCommand(new ReadCursor(bytes, 'TS_SURFCMD'));
    assert.throws(decode(Uint8Array.of(9, 0)), { code: 'invalid_value', field: 'cmdType', offset: 2 });
    assert.throws(decode(BITS_BYTES.subarray(0, 24)), { code: 'truncated', field: 'bitmapData' });
  });
});
