import type { ReadCursor, WriteCursor } from '../core/cursor.ts';

/** [MS-RDPBCGR] 2.2.9.1.1.3.1 TS_GRAPHICS_UPDATE, `updateType`: first field of slow-path and of some fast-path updates. */
export const UpdateType = { orders: 0, bitmap: 1, palette: 2, synchronize: 3 } as const;
export type UpdateType = (typeof UpdateType)[keyof typeof UpdateType];

/** More rectangles than any server puts into one update; a 16-bit count would allow 65535. */
export const MAX_BITMAP_RECTANGLES = 16_384;

/** [MS-RDPBCGR] 2.2.9.1.1.3.1.2.2 TS_BITMAP_DATA, `flags`. */
export const BitmapFlag = { compression: 0x0001, noCompressionHeader: 0x0400 } as const;

/**
 * One picture of a bitmap update.
 * @pdu [MS-RDPBCGR] 2.2.9.1.1.3.1.2.2 TS_BITMAP_DATA
 */
export interface BitmapRectangle {
  /** Where it goes, in desktop pixels; right and bottom are inclusive, as on the wire. */
  readonly destLeft: number;
  readonly destTop: number;
  readonly destRight: number;
  readonly destBottom: number;
  /** The picture's own size: the destination's, or more, padded on the right and (bottom-up) at the top. */
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: number;
  /** Interleaved RLE up to 24 bpp, planar at 32 bpp; otherwise raw, bottom row first. */
  readonly compressed: boolean;
  /** Without the compression header. A view. */
  readonly data: Uint8Array;
}

/**
 * @pdu [MS-RDPBCGR] 2.2.9.1.1.3.1.2 TS_UPDATE_BITMAP, 2.2.9.1.1.3.1.2.1 TS_UPDATE_BITMAP_DATA
 */
export interface BitmapUpdate {
  readonly rectangles: readonly BitmapRectangle[];
}

/** Decodes an update that begins with `updateType`, as both paths carry it. */
export function decodeBitmapUpdate(cursor: ReadCursor): BitmapUpdate {
  const updateType = cursor.u16('updateType');
  if (updateType !== UpdateType.bitmap) throw cursor.error('invalid_value', 'updateType', `${updateType}`);
  const count = cursor.u16('numberRectangles');
  if (count > MAX_BITMAP_RECTANGLES) throw cursor.error('limit_exceeded', 'numberRectangles', `${count}`);
  const rectangles: BitmapRectangle[] = [];
  for (let i = 0; i < count; i++) rectangles.push(decodeRectangle(cursor));
  return { rectangles };
}

export function sizeOfBitmapUpdate(update: BitmapUpdate): number {
  let size = 2 /* updateType */ + 2; /* numberRectangles */
  for (const rectangle of update.rectangles) size += sizeOfBitmapRectangle(rectangle);
  return size;
}

export function sizeOfBitmapRectangle(rectangle: BitmapRectangle): number {
  return RECTANGLE_HEADER_SIZE + rectangle.data.length;
}

/** Always without the compression header: every client that we serve says NO_BITMAP_COMPRESSION_HDR. */
export function encodeBitmapUpdate(update: BitmapUpdate, cursor: WriteCursor): void {
  cursor.u16(UpdateType.bitmap);
  cursor.u16(update.rectangles.length);
  for (const rectangle of update.rectangles) {
    cursor.u16(rectangle.destLeft);
    cursor.u16(rectangle.destTop);
    cursor.u16(rectangle.destRight);
    cursor.u16(rectangle.destBottom);
    cursor.u16(rectangle.width);
    cursor.u16(rectangle.height);
    cursor.u16(rectangle.bitsPerPixel);
    cursor.u16(rectangle.compressed ? BitmapFlag.compression | BitmapFlag.noCompressionHeader : 0);
    cursor.u16(rectangle.data.length);
    cursor.bytes(rectangle.data);
  }
}

const RECTANGLE_HEADER_SIZE = 9 * 2; /* destLeft … bitmapLength */
const COMPRESSION_HEADER_SIZE = 8;

function decodeRectangle(cursor: ReadCursor): BitmapRectangle {
  const destLeft = cursor.u16('destLeft');
  const destTop = cursor.u16('destTop');
  const destRight = cursor.u16('destRight');
  const destBottom = cursor.u16('destBottom');
  const width = cursor.u16('width');
  const height = cursor.u16('height');
  const bitsPerPixel = cursor.u16('bitsPerPixel');
  const flags = cursor.u16('flags');
  const length = cursor.u16('bitmapLength');
  const compressed = (flags & BitmapFlag.compression) !== 0;
  let dataLength = length;
  if (compressed && (flags & BitmapFlag.noCompressionHeader) === 0) {
    // [MS-RDPBCGR] 2.2.9.1.1.3.1.2.3 TS_CD_HEADER: sizes that repeat what is known already.
    cursor.skip(COMPRESSION_HEADER_SIZE, 'bitmapComprHdr');
    dataLength = length - COMPRESSION_HEADER_SIZE;
    if (dataLength < 0) throw cursor.error('invalid_value', 'bitmapLength', `${length} is less than bitmapComprHdr`);
  }
  const data = cursor.bytes(dataLength, 'bitmapDataStream');
  return { destLeft, destTop, destRight, destBottom, width, height, bitsPerPixel, compressed, data };
}
