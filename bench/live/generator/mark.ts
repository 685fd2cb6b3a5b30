import { WriteCursor } from '#protocol/core/cursor.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { encodeBitmapUpdate, sizeOfBitmapUpdate } from '#protocol/pdu/bitmap-update.ts';
import { encodeFragmentedUpdate } from '#protocol/pdu/fast-path.ts';

/**
 * The picture that answers a key where the stream itself does not: four pixels in the corner whose bytes say which key.
 * The client finds them among whatever else comes.
 */
export function markBytes(key: number): Buffer {
  const pixels = Buffer.alloc(4 * 4);
  pixels.write('ORIELKEY', 'latin1');
  pixels.writeUInt32LE(key, 8);
  pixels.writeUInt32LE(~key >>> 0, 12);
  return pixels;
}

/** The fast-path PDU that draws it. */
export function markPdu(key: number): Buffer {
  const size = { width: 4, height: 1, bitsPerPixel: 32, compressed: false };
  const update = {
    rectangles: [{ destLeft: 0, destTop: 0, destRight: 3, destBottom: 0, ...size, data: markBytes(key) }],
  };
  const cursor = new WriteCursor(sizeOfBitmapUpdate(update));
  encodeBitmapUpdate(update, cursor);
  return Buffer.concat(encodeFragmentedUpdate(UpdateCode.bitmap, cursor.finish()));
}

/** Looks for one mark in bytes that come in pieces. */
export class MarkFinder {
  #mark: Buffer | undefined;
  #tail = Buffer.alloc(0);

  expect(mark: Buffer): void {
    this.#mark = mark;
    this.#tail = Buffer.alloc(0);
  }

  /** Whether the mark ends in these bytes; one may be cut by the end of what came before. */
  isIn(bytes: Uint8Array): boolean {
    const mark = this.#mark;
    if (mark === undefined) return false;
    const these = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const joined = this.#tail.length === 0 ? these : Buffer.concat([this.#tail, these]);
    if (joined.includes(mark)) return true;
    this.#tail = Buffer.from(joined.subarray(Math.max(0, joined.length - mark.length + 1)));
    return false;
  }
}
